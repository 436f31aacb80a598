/*
 * Which hue and pattern a name has in a chart: by the name, never by its rank, so that a client keeps
 * its look when another becomes the busiest. Touches no node.
 */

/* Of the palette --series-N, and of the patterns: a name has one of 40 looks. */
export const HUES = 8, PATTERNS = 5;

/* Upright stripes: of use by others, here as in the channels. No name gets it. */
export const UPRIGHT = PATTERNS;

/* FNV-1a, with its upper bits mixed in. */
function hash(name) {
        let h = 0x811c9dc5;

        for (let i = 0; i < name.length; ++i)
                h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
        return (h ^ h >>> 15) >>> 0;
}

/**
 * looks_of() - a look for each of @names
 * @before: a Map of those that were given earlier in this chart, which stay; or nothing
 *
 * Two names have different hues while there are enough, and different looks in any case up to
 * HUES * PATTERNS names: in the order of the alphabet, who finds a hue taken gets the next that is free.
 *
 * Return: a Map: {hue, pattern} by name
 */
export function looks_of(names, before = new Map()) {
        const looks = new Map(), taken = Array.from({ length: HUES }, () => new Set());
        const give = (name, look) => {
                looks.set(name, look);
                taken[look.hue].add(look.pattern);
        };
        const fresh = [...new Set(names)].sort().filter((name) => {
                const old = before.get(name), is_free = old && !taken[old.hue].has(old.pattern);

                if (is_free)
                        give(name, old);
                return !is_free;
        });

        for (const name of fresh) {
                const h = hash(name), least = Math.min(...taken.map((set) => set.size));
                let hue = h % HUES, pattern = Math.floor(h / HUES) % PATTERNS;

                while (taken[hue].size > least)
                        hue = (hue + 1) % HUES;
                for (let i = 0; i < PATTERNS && taken[hue].has(pattern); ++i)
                        pattern = (pattern + 1) % PATTERNS;
                give(name, { hue, pattern });
        }
        return looks;
}
