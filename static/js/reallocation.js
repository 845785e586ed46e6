// The running total of a surplus that is shared out. Without this the button "Räkna ihop" gives it.
(() => {
  "use strict";

  const told = document.getElementById("summa");
  if (!told) return;
  const rest = document.getElementById("kvar");
  const movable = Number(rest.dataset.movable);
  const fields = [...document.querySelectorAll(".receivers input")];

  // Whole öre, as donations/money.py reads and prints them; null for what is no amount.
  const read = (text) => {
    const plain = text.replace(/\s/g, "").replace(/(kr|:-)$/, "");
    if (!plain) return 0;
    const found = /^(\d{1,11})(?:,(\d{1,2}))?$/.exec(plain);
    return found && Number(found[1]) * 100 + Number((found[2] || "0").padEnd(2, "0"));
  };
  const print = (ore) => {
    const kronor = String(Math.floor(ore / 100)).replace(/\B(?=(\d{3})+$)/g, "\u00a0");
    const left = ore % 100;
    return `${kronor}${left ? `,${String(left).padStart(2, "0")}` : ""}\u00a0kr`;
  };
  const add = () => {
    const amounts = fields.map((field) => read(field.value));
    if (amounts.includes(null)) {
      rest.textContent = "Ett av beloppen går inte att läsa.";
      return;
    }
    const sum = amounts.reduce((all, ore) => all + ore, 0);
    told.textContent = print(sum);
    rest.textContent =
      sum > movable
        ? "Det är mer än vad som går att flytta."
        : sum
          ? `Kvar som överskott: ${print(movable - sum)}.`
          : "";
  };

  for (const field of fields) field.addEventListener("input", add);
})();
