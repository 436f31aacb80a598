/* Figures as people read them. What is not there is a dash, never NaN. */

export const NONE = "\u2013";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export function is_number(value) {
        return typeof value === "number" && Number.isFinite(value);
}

/* 12,345 */
export function count(value) {
        return is_number(value) ? whole.format(value) : NONE;
}

/* 1.2M from a million on, else all digits. */
export function brief(value) {
        if (!is_number(value))
                return NONE;
        return Math.abs(value) >= 1e6 ? short.format(value) : whole.format(value);
}

/* Per second: a tenth where it is small. */
export function rate(value) {
        if (!is_number(value))
                return NONE;
        return value > 0 && value < 10 ? tenth.format(value) : brief(value);
}

/* A part of one, as "54 %"; a tenth where it is small, and never 100 % of what is not whole. */
export function percent(value) {
        if (!is_number(value))
                return NONE;
        const of100 = value * 100;

        if (of100 > 0 && of100 < 0.1)
                return "<\u00a00.1\u00a0%";
        if (of100 > 0 && of100 < 9.95)
                return `${tenth.format(of100)}\u00a0%`;
        if (of100 > 99 && of100 < 100)
                return `${tenth.format(Math.floor(of100 * 10) / 10)}\u00a0%`;
        return `${whole.format(of100)}\u00a0%`;
}

/* A wait: 0 ms, 840 ms, 12.3 s, 3 min 04 s */
export function wait(ms) {
        if (!is_number(ms))
                return NONE;
        if (ms < 0.5)
                return "0\u00a0ms";
        if (ms < 1000)
                return `${ms < 9.95 ? Number(ms.toPrecision(2)) : whole.format(ms)}\u00a0ms`;
        if (ms < 60000)
                return `${tenth.format(ms / 1000)}\u00a0s`;
        return span(ms);
}

/* How long something lasts: 45 s, 3 min 04 s, 2 h 05 min, 3 d 4 h */
export function span(ms) {
        if (!is_number(ms))
                return NONE;
        const s = Math.max(0, Math.ceil(ms / 1000)), pad = (n) => String(n).padStart(2, "0");

        if (s < 60)
                return `${s}\u00a0s`;
        if (s < 3600)
                return `${Math.floor(s / 60)}\u00a0min\u00a0${pad(s % 60)}\u00a0s`;
        if (s < 86400)
                return `${Math.floor(s / 3600)}\u00a0h\u00a0${pad(Math.floor(s / 60) % 60)}\u00a0min`;
        return `${Math.floor(s / 86400)}\u00a0d\u00a0${Math.floor(s / 3600) % 24}\u00a0h`;
}

/* The length of a window: 10 s, 1 min, 5 min, 1 h, 1 d */
export function window_length(ms) {
        if (!is_number(ms) || ms <= 0)
                return NONE;
        for (const [unit, of_ms] of [["d", 86400000], ["h", 3600000], ["min", 60000]])
                if (ms >= of_ms && ms % of_ms === 0)
                        return `${ms / of_ms}\u00a0${unit}`;
        return `${ms / 1000}\u00a0s`;
}

/* 14:03:10, of a time of day in UTC. */
export function time_of_day(at_ms) {
        return is_number(at_ms) ? new Date(at_ms).toISOString().slice(11, 19) : NONE;
}

/* 14:03 */
export function minute_of_day(at_ms) {
        return is_number(at_ms) ? new Date(at_ms).toISOString().slice(11, 16) : NONE;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/* 3 Nov */
export function day(at_ms) {
        if (!is_number(at_ms))
                return NONE;
        const date = new Date(at_ms);

        return `${date.getUTCDate()}\u00a0${months[date.getUTCMonth()]}`;
}

export function plural(n, one, many) {
        return `${count(n)}\u00a0${n === 1 ? one : many}`;
}
