/*
 * Two answers about the same time: the file has what is over, also of gateways before this one, the
 * gateway's memory what it has seen itself, the window that is open with it. Where memory knows a
 * window it is right.
 */

const LISTS = ["limits", "foreign", "wait_p50_ms", "wait_p99_ms", "retries", "over_limit"];

function is_answer(h) {
        return Boolean(h && Array.isArray(h.starts));
}

/* Of each start of @starts the value of @memory if that knows the window, else that of @file. */
function picked(starts, known, file, memory) {
        return starts.map((start) => {
                const [list, at] = known.has(start) ? [memory.list, memory.at] : [file.list, file.at];

                return list && at.has(start) ? list[at.get(start)] : null;
        });
}

export function merged(file, memory) {
        if (!is_answer(file) || file.starts.length === 0)
                return is_answer(memory) ? memory : file;
        if (!is_answer(memory) || memory.starts.length === 0)
                return file;
        const known = new Set(memory.starts.filter((_, i) => (memory.limits || [])[i] > 0));
        const starts = [...new Set([...file.starts, ...memory.starts])].sort((a, b) => a - b);
        const file_at = new Map(file.starts.map((start, i) => [start, i]));
        const memory_at = new Map(memory.starts.map((start, i) => [start, i]));
        const pick = (a, b) => picked(starts, known, { list: a, at: file_at }, { list: b, at: memory_at });
        const named = (h) => new Map((h.series || []).map((s) => [s.name, s]));
        const in_file = named(file), in_memory = named(memory);
        const result = { ...file, starts, pools: memory.pools || file.pools, refused: {} };

        for (const name of LISTS)
                result[name] = pick(file[name], memory[name]);
        result.series = [...new Set([...in_memory.keys(), ...in_file.keys()])]
                .map((name) => {
                        const kept = in_file.get(name) || {}, own = in_memory.get(name) || {};

                        return { name, weight: pick(kept.weight, own.weight), orders: pick(kept.orders, own.orders) };
                });
        for (const reason of new Set([...Object.keys(file.refused || {}), ...Object.keys(memory.refused || {})]))
                result.refused[reason] = pick((file.refused || {})[reason], (memory.refused || {})[reason]);
        return result;
}
