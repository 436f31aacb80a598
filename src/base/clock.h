/*
 * Clock
 *
 * The only file of weir that reads a clock, or sleeps. Machines (core, policy, classify,
 * call) are told the time; the rooms that do I/O read it here.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

/* Microseconds since boot; never steps. For waits, timeouts and durations. */
uint64_t clock_mono_us(void);

/* Microseconds since 1970 UTC by this machine's idea of it; may step. */
uint64_t clock_wall_us(void);

/* For how many microseconds this process has used the processor. */
uint64_t clock_process_us(void);

/* As clock_wall_us() at a fifth of its price: the kernel's last tick, behind it by as much as
 * clock_coarse_step_us(), or longer where the processor itself was kept from running. */
uint64_t clock_wall_coarse_us(void);
uint64_t clock_coarse_step_us(void);

/* Sleeps until clock_mono_us() has come to @mono_us; through signals. */
void clock_sleep_until_us(uint64_t mono_us);

#endif
