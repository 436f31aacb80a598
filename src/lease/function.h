/*
 * Function
 *
 * What runs in the store: src/lease/function_*.lua, compiled in.
 */
#ifndef LEASE_FUNCTION_H
#define LEASE_FUNCTION_H

extern const char function_text[];
extern const char function_sha[]; /* SHA1 of it, as EVALSHA takes it */

#endif
