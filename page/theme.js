/*
 * Light, dark, or as the system: remembered by this browser. A script of the old kind, since it runs
 * before the first paint, so that nothing flashes.
 */
(() => {
        const root = document.documentElement, names = ["auto", "light", "dark"];
        let choice = "auto";

        try {
                choice = localStorage.getItem("weir.theme") || "auto";
        } catch {
                /* A browser that keeps nothing: the system's choice stands. */
        }
        if (!names.includes(choice))
                choice = "auto";

        const dark = matchMedia("(prefers-color-scheme: dark)");
        const show = () => {
                const button = document.getElementById("theme");

                root.dataset.theme = choice === "auto" ? dark.matches ? "dark" : "light" : choice;
                if (!button)
                        return;
                document.getElementById("theme-text").textContent = choice[0].toUpperCase() + choice.slice(1);
                button.setAttribute("aria-label", `Colours: ${choice === "auto" ? "as the system" : choice}`);
                root.dispatchEvent(new Event("themed"));
        };

        show();
        document.addEventListener("DOMContentLoaded", () => {
                show();
                document.getElementById("theme").addEventListener("click", () => {
                        choice = names[(names.indexOf(choice) + 1) % names.length];
                        try {
                                localStorage.setItem("weir.theme", choice);
                        } catch {
                                /* Then it holds until the page is left. */
                        }
                        show();
                });
        });
        dark.addEventListener("change", show);
})();
