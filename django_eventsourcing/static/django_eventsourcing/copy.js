// Buttons that copy the text of an element: <button data-copy="its-id" data-copied="Copied" hidden>.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("button[data-copy]")) {
        const source = document.getElementById(button.dataset.copy);
        if (source === null) {
            continue;
        }
        const label = button.textContent;
        button.setAttribute("aria-live", "polite");
        button.hidden = false;
        button.addEventListener("click", async () => {
            if (await copy(source)) {
                button.textContent = button.dataset.copied;
                setTimeout(() => { button.textContent = label; }, 2000);
            }
        });
    }
});

async function copy(source) {
    try {
        await navigator.clipboard.writeText(source.textContent);
        return true;
    } catch {
        // Without TLS there is no clipboard for scripts: what is selected can be copied all the same.
        getSelection().selectAllChildren(source);
        return document.execCommand("copy");
    }
}
