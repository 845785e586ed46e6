// Keys for going through gift after gift. Without this the page works with Tab and Enter.
//
// They count only while a gift, or something in it that is not written in, has the focus: a letter that
// is pressed elsewhere does nothing.
(() => {
  "use strict";

  const gifts = [...document.querySelectorAll(".waiting-gift")];
  const help = document.getElementById("tangenter");
  if (!gifts.length || !help) return;

  const WRITTEN_IN = "input:not([type=checkbox]), textarea, select";
  let isSent = false;

  const go = (gift) => {
    gift.focus({ preventScroll: true });
    gift.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  const step = (gift, by) => {
    const next = gifts[gifts.indexOf(gift) + by];
    if (next) go(next);
  };
  const open = (gift, key) => {
    const part = gift.querySelector(`details[data-opens="${key}"]`);
    part.open = true;
    part.querySelector("input[list], textarea").focus();
  };
  const press = (within, key) => {
    const found = within.querySelector(`[data-key="${key}"]`);
    if (found) found.click();
    return Boolean(found);
  };

  const deeds = {
    j: (gift) => step(gift, 1),
    ArrowDown: (gift) => step(gift, 1),
    k: (gift) => step(gift, -1),
    ArrowUp: (gift) => step(gift, -1),
    n: (gift) => open(gift, "n"),
    m: (gift) => open(gift, "m"),
    d: (gift) => press(gift, "d"),
    a: (gift) => press(gift, "a"),
    z: () => press(document, "z"),
    1: (gift) => press(gift, "1"),
    2: (gift) => press(gift, "2"),
    3: (gift) => press(gift, "3"),
  };

  document.addEventListener("keydown", (event) => {
    const gift = event.target.closest(".waiting-gift");
    if (!gift || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      go(gift);
      return;
    }
    if (event.target.matches(WRITTEN_IN)) return;
    // On a button or a link Enter is the browser's own.
    const isOnGift = event.target === gift;
    const deed = event.key === "Enter" && isOnGift ? deeds[1] : deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    if (!event.repeat || /^(j|k|Arrow)/.test(event.key)) deed(gift);
  });

  // A key that is held down, or a second click, sends nothing more.
  document.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  window.addEventListener("pageshow", () => {
    isSent = false;
  });

  // The name of the fund whose number is being typed.
  const names = new Map(
    [...document.querySelectorAll("#insamlingar option")].map((one) => [one.value, one.textContent]),
  );
  for (const field of document.querySelectorAll(".waiting-gift input[list]")) {
    const told = field.parentElement.querySelector("[data-fund]");
    field.addEventListener("input", () => {
      const number = field.value.replace(/\s/g, "");
      told.textContent =
        names.get(number) ?? (number.length >= 5 ? "Ingen öppen insamling har det numret." : "");
    });
  }

  help.hidden = false;
  help.querySelector("[data-begin]").addEventListener("click", () => go(gifts[0]));
  const target = document.querySelector(".waiting-gift:target");
  if (target) go(target);
})();
