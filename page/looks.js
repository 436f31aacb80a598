/*
 * Which hue and pattern a name has in a chart: by the name alone, never by its rank, so that a client looks the same
 * when another becomes the busiest, and in another browser. Only where two of a hue would have the same pattern too
 * the later one has the next; who has got a look is remembered, by the browser as well. Touches no node.
 */

/* Of the palette --series-N, and of the patterns: a name has one of 40 looks. */
export const HUES = 8, PATTERNS = 5;

/* Upright stripes: of use by others, here as in the channels. No name gets it. */
export const UPRIGHT = PATTERNS;

/* Of each kind of names, those seen last; in the browser's store. */
const KEPT = 200, PLACE = "weir.looks.";
const books = new Map();

/* FNV-1a, with its upper bits mixed in. */
function hash(name) {
        let h = 0x811c9dc5;

        for (let i = 0; i < name.length; ++i)
                h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
        return (h ^ h >>> 15) >>> 0;
}

/* Names that are numbered, as md1 and md2, have looks that follow each other: up to eight have eight hues. */
function look_by_name(name) {
        const [, stem, digits] = name.match(/^(.*?)(\d{0,9})$/s), at = hash(stem) + Number(digits);

        return { hue: at % HUES, pattern: Math.floor(at / HUES) % PATTERNS };
}

function is_look(look) {
        return Array.isArray(look) && look[0] >= 0 && look[0] < HUES && look[1] >= 0 && look[1] < PATTERNS && look.every(Number.isInteger);
}

/* A Map: {hue, pattern} by name, those seen last at its end. */
function book_of(kind) {
        if (books.has(kind))
                return books.get(kind);
        let book = new Map();

        try {
                const kept = JSON.parse(localStorage.getItem(PLACE + kind)) || [];

                book = new Map(kept.filter(([, look]) => is_look(look)).map(([name, [hue, pattern]]) => [String(name), { hue, pattern }]));
        } catch {
                /* A browser that keeps nothing, or something else: names alone say it. */
        }
        books.set(kind, book);
        return book;
}

function keep(kind, book) {
        for (const name of [...book.keys()].slice(0, Math.max(0, book.size - KEPT)))
                book.delete(name);
        try {
                localStorage.setItem(PLACE + kind, JSON.stringify([...book].map(([name, { hue, pattern }]) => [name, [hue, pattern]])));
        } catch {
                /* Then it holds until the page is left. */
        }
}

/**
 * looks_of() - a look for each of @names
 * @kind: what they are, such as "client": names of one kind stand beside each other, whichever chart shows them
 *
 * Two of @names have different looks while there are enough of them: of who was seen first it stays as it was.
 *
 * Return: a Map: {hue, pattern} by name
 */
export function looks_of(kind, names) {
        const book = book_of(kind), looks = new Map(), shown = new Set(), key = (look) => look.hue + look.pattern * HUES;
        const give = (name, look) => {
                looks.set(name, look);
                shown.add(key(look));
                book.delete(name);
                book.set(name, look);
        };
        const fresh = [...new Set(names)].sort().filter((name) => {
                const old = book.get(name), is_free = old && !shown.has(key(old));

                if (is_free)
                        give(name, old);
                return !is_free;
        });

        if (fresh.length === 0)
                return looks;
        const known = new Set([...book.values()].map(key));

        for (const name of fresh) {
                const first = look_by_name(name);
                /* Its own hue in each pattern, then the next hue. */
                const all = Array.from({ length: HUES * PATTERNS }, (_, i) => ({ hue: (first.hue + Math.floor(i / PATTERNS)) % HUES,
                                                                                  pattern: (first.pattern + i) % PATTERNS }));
                const free = all.filter((look) => !shown.has(key(look)));
                /* Another hue than its own only where another who is shown with it would look the same. */
                const look = free.find((one) => one.hue === first.hue && !known.has(key(one))) || free[0] || first;

                give(name, look);
                known.add(key(look));
        }
        keep(kind, book);
        return looks;
}
