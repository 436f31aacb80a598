/* Small choices above a view: one of few as a row of radio buttons, one of many as a list. */
import { el } from "./dom.js";

/**
 * choice() - one of few
 * @values: [[value, text], ...], the first is chosen
 * @then: called when another is chosen
 * Return: a fieldset with .value
 */
export function choice(name, title, values, then) {
        const node = el("fieldset.choice", null, el("legend.unseen", null, title));

        node.value = values[0][0];
        for (const [value, text] of values) {
                const input = el("input", { type: "radio", name, value, change: () => {
                        node.value = value;
                        then(value);
                } });

                input.checked = value === node.value;
                node.append(el("label", null, input, el("span", null, text)));
        }
        return node;
}

/* A list whose members may change: fill(select, [[value, text], ...]) keeps what is chosen. */
export function list(title, then) {
        const select = el("select", { change: () => then(select.value) });

        return { label: el("label.pick", null, el("span", null, title), select), select };
}

export function fill(select, values) {
        const key = JSON.stringify(values), chosen = select.value;

        if (select.filled_with === key)
                return;
        select.filled_with = key;
        select.replaceChildren(...values.map(([value, text]) => el("option", { value }, text)));
        if (values.some(([value]) => value === chosen))
                select.value = chosen;
}
