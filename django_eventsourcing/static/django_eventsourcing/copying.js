/* Copies the text of the element whose id a button names; without a clipboard, selects it. */
document.addEventListener("click", async (event) => {
  "use strict";
  const button = event.target.closest("[data-es-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.esCopy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    // Browsers keep the clipboard from pages that did not come by https.
    getSelection().selectAllChildren(source);
    if (!document.execCommand("copy")) return;
  }
  button.dataset.esLabel ??= button.textContent;
  button.textContent = button.dataset.esCopied;
  setTimeout(() => { button.textContent = button.dataset.esLabel; }, 2000);
});
