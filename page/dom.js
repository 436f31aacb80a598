/* Nodes: made by el(), and then touched only where something has changed. */

const seen = new WeakMap();

/* Whether @value is another than the one that was last given to this slot of @node. */
function is_new(node, slot, value) {
        let slots = seen.get(node);

        if (!slots)
                seen.set(node, slots = new Map());
        if (slots.has(slot) && slots.get(slot) === value)
                return false;
        slots.set(slot, value);
        return true;
}

/**
 * el() - a new element
 * @name: "div", or with classes: "div.panel.wide"
 * @attributes: strings are attributes, functions listen to the event of that name
 */
export function el(name, attributes, ...children) {
        const [tag, ...classes] = name.split(".");
        const node = document.createElement(tag);

        if (classes.length > 0)
                node.className = classes.join(" ");
        for (const [key, value] of Object.entries(attributes || {})) {
                if (typeof value === "function")
                        node.addEventListener(key, value);
                else if (value === true)
                        node.setAttribute(key, "");
                else if (value !== false && value !== null && value !== undefined)
                        node.setAttribute(key, value);
        }
        node.append(...children.filter((child) => child !== null && child !== undefined));
        return node;
}

/* A picture of index.html's symbols, for the eye only. */
export function icon(name) {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const use = document.createElementNS("http://www.w3.org/2000/svg", "use");

        svg.setAttribute("aria-hidden", "true");
        svg.setAttribute("class", "icon");
        use.setAttribute("href", `#i-${name}`);
        svg.append(use);
        return svg;
}

export function set_icon(svg, name) {
        if (is_new(svg, "icon", name))
                svg.firstChild.setAttribute("href", `#i-${name}`);
}

export function set_text(node, value) {
        if (is_new(node, "text", value))
                node.textContent = value;
}

/* null takes the attribute away. */
export function set_attr(node, name, value) {
        if (!is_new(node, `@${name}`, value))
                return;
        if (value === null || value === undefined)
                node.removeAttribute(name);
        else
                node.setAttribute(name, value);
}

export function set_class(node, name, is_on) {
        if (is_new(node, `.${name}`, Boolean(is_on)))
                node.classList.toggle(name, Boolean(is_on));
}

/* By way of the object model, which the policy against inline styles leaves open. */
export function set_style(node, property, value) {
        if (is_new(node, `:${property}`, value))
                node.style.setProperty(property, value);
}

export function set_shown(node, is_shown) {
        if (is_new(node, "shown", Boolean(is_shown)))
                node.hidden = !is_shown;
}

/**
 * set_list() - the children of @parent, one for each of @items, in that order
 * @key_of: what an item's node is found again by
 * @make: a new node for an item
 * @update: node, item; called for all
 *
 * Nodes that stay in their place are not touched: focus and selection survive.
 */
export function set_list(parent, items, key_of, make, update) {
        const before = parent.list_of_keys || new Map(), after = new Map();
        let at = parent.firstChild;

        for (const item of items) {
                const key = String(key_of(item));
                let node = before.get(key);

                if (after.has(key))
                        continue;
                if (!node)
                        node = make(item);
                before.delete(key);
                after.set(key, node);
                update(node, item);
        }
        for (const node of before.values()) {
                if (node === at)
                        at = at.nextSibling;
                node.remove();
        }
        for (const node of after.values()) {
                if (node === at)
                        at = at.nextSibling;
                else
                        parent.insertBefore(node, at);
        }
        parent.list_of_keys = after;
}

export function by_id(id) {
        return document.getElementById(id);
}
