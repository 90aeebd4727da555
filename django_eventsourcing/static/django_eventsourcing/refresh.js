/* Refreshes the part of a page that says how things are, while somebody looks at it. */
(() => {
  "use strict";
  const part = document.querySelector("[data-es-live]");
  const bar = document.querySelector("[data-es-refresh]");
  if (!part || !bar) return;
  const [button, told] = [bar.querySelector("button"), bar.querySelector("[role=status]")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const url = new URL(location.href);
  url.searchParams.set("fragment", "1");
  url.hash = "";
  let timer = 0;
  let failures = 0;
  let isStopped = false;
  let hasEnded = false;

  // What is the same stays: the focus, what is selected, and how far a table is scrolled.
  function update(old, fresh) {
    if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    updateChildren(old, fresh);
  }

  function updateChildren(old, fresh) {
    const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
    before.slice(after.length).forEach((node) => node.remove());
    after.forEach((node, n) => (n < before.length ? update(before[n], node) : old.append(node)));
  }

  const nameOf = (element) => element.id || element.getAttribute("href") || element.textContent;

  function show(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    for (const details of fresh.content.querySelectorAll("details[id]")) {
      details.open = document.getElementById(details.id)?.open ?? false;
    }
    const focused = document.activeElement;
    const [wasInside, name] = [part.contains(focused), nameOf(focused)];
    updateChildren(part, fresh.content);
    if (wasInside && !part.contains(document.activeElement)) {
      const all = [...part.querySelectorAll("a, button, summary, [tabindex]")];
      all.find((element) => nameOf(element) === name)?.focus({ preventScroll: true });
    }
  }

  function say(text) {
    if (told.textContent !== text) told.textContent = text;
  }

  async function refresh() {
    clearTimeout(timer);
    if (isStopped || document.visibilityState !== "visible") return;
    try {
      const options = { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(10000) };
      const answer = await fetch(url, options);
      // A redirect leads to the page on which one logs in.
      if (answer.type === "opaqueredirect" || answer.status === 403) return stop(bar.dataset.esEnded);
      if (!answer.ok) throw new Error(answer.statusText);
      const html = await answer.text();
      if (isStopped) return;
      show(html);
      failures = 0;
      say("");
    } catch {
      failures += 1;
      if (!isStopped) say(bar.dataset.esSilent);
    }
    wait();
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.min(60, (calm.matches ? 10 : 3) * 2 ** failures) * 1000);
  }

  function stop(why) {
    isStopped = true;
    hasEnded = why === bar.dataset.esEnded;
    button.textContent = bar.dataset.esGo;
    say(why);
  }

  function go() {
    isStopped = hasEnded = false;
    button.textContent = bar.dataset.esStop;
    say("");
  }

  button.addEventListener("click", () => {
    if (isStopped) go();
    else stop(bar.dataset.esStopped);
    refresh();
  });
  document.addEventListener("visibilitychange", () => {
    // One may have logged in elsewhere.
    if (hasEnded) go();
    refresh();
  });
  go();
  bar.hidden = false;
  wait();
})();
