/* Sections: links with a hash, the one in view marked, numbers as keys. */
import { by_id, set_attr } from "./dom.js";

const links = [...by_id("nav").querySelectorAll("a")];
const sections = links.map((link) => by_id(link.hash.slice(1)));

function mark() {
        const edge = innerHeight * 0.35;
        let here = 0;

        sections.forEach((section, i) => {
                if (!section.hidden && section.getBoundingClientRect().top <= edge)
                        here = i;
        });
        if (innerHeight + scrollY >= document.documentElement.scrollHeight - 4 && scrollY > 0) {
                const wanted = sections.findIndex((section) => `#${section.id}` === location.hash && !section.hidden);

                if (wanted > here)
                        here = wanted;
        }
        links.forEach((link, i) => set_attr(link, "aria-current", i === here ? "true" : null));
}

function is_typing(target) {
        return target instanceof Element && target.closest("input, select, textarea, dialog") !== null;
}

/* 1 to 6 go to the sections; not while somebody writes, and not with a modifier. */
function press(event) {
        const i = "123456".indexOf(event.key);

        if (i < 0 || event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey || is_typing(event.target) || !links[i] ||
            links[i].hidden)
                return;
        links[i].click();
}

export function start_nav() {
        let is_asked = false;
        const later = () => {
                if (is_asked)
                        return;
                is_asked = true;
                requestAnimationFrame(() => {
                        is_asked = false;
                        mark();
                });
        };

        addEventListener("scroll", later, { passive: true });
        addEventListener("resize", later);
        addEventListener("hashchange", () => {
                const section = document.getElementById(location.hash.slice(1));

                if (section)
                        section.focus({ preventScroll: true });
                later();
        });
        addEventListener("keydown", press);
        /* What is above may grow when its figures come. */
        new ResizeObserver(later).observe(document.querySelector("main"));
        mark();
}
