// Keys for going through the table of funds. Without this the page works with Tab and Enter.
//
// The arrows count only on a fund's link, and down in the field to search in. "/" counts everywhere but
// where something is written, and can be turned off, since who speaks to the computer may say it.
(() => {
  "use strict";

  const search = document.getElementById("id_sok");
  const help = document.getElementById("tangenter");
  const links = [...document.querySelectorAll("[data-fund]")];
  if (!search || !help) return;

  const WRITTEN_IN = "input, textarea, select, [contenteditable]";
  const OFF = "kollekt-utan-snedstreck";
  const slash = help.querySelector("[data-slash]");

  const remembered = (value) => {
    // Where nothing may be remembered, the choice holds for this page.
    try {
      if (value !== undefined) localStorage.setItem(OFF, value);
      return localStorage.getItem(OFF) === "1";
    } catch {
      return value === "1";
    }
  };
  let isOff = remembered();

  const show = () => {
    slash.setAttribute("aria-pressed", String(!isOff));
    slash.textContent = isOff ? "Tangenten / är av" : "Tangenten / är på";
  };
  slash.addEventListener("click", () => {
    isOff = remembered(isOff ? "0" : "1");
    show();
  });

  const go = (link) => {
    if (!link) return;
    link.focus({ preventScroll: true });
    link.closest("tr").scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  const from = {
    ArrowDown: (at) => links[at + 1],
    ArrowUp: (at) => links[at - 1],
    Home: () => links[0],
    End: () => links.at(-1),
  };

  document.addEventListener("keydown", (event) => {
    // On a Swedish keyboard "/" is Shift and 7.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !isOff && !event.target.closest(WRITTEN_IN)) {
      event.preventDefault();
      search.focus();
      search.select();
      return;
    }
    if (event.target === search && event.key === "ArrowDown" && links.length) {
      event.preventDefault();
      go(links[0]);
      return;
    }
    const at = links.indexOf(event.target);
    if (at < 0 || event.shiftKey || !(event.key in from)) return;
    event.preventDefault();
    go(from[event.key](at));
  });

  show();
  help.hidden = !links.length;
})();
