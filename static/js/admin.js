// Names for the controls that the admin's own scripts draw, taken from the labels beside them, and
// the keys that a button answers to.

"use strict";

{
  const labelOf = (field) => document.querySelector(`label[for="${CSS.escape(field.id)}"]`);

  // A search field drawn over a list of choices says only what is chosen, not what it is for.
  function nameChoices(root) {
    for (const select of root.querySelectorAll("select.admin-autocomplete")) {
      const label = labelOf(select);
      const drawn = select.parentElement.querySelector(".select2-selection");
      if (!label || !drawn) {
        continue;
      }
      label.id ||= `${select.id}_label`;
      const chosen = drawn.querySelector(".select2-selection__rendered");
      drawn.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
      chosen.setAttribute("aria-labelledby", label.id);
    }
  }

  // A day and a time of day under one label.
  function nameMoments(root) {
    for (const input of root.querySelectorAll(".datetime .vDateField, .datetime .vTimeField")) {
      const first = input.id.replace(/_1$/, "_0");
      const row = input.closest(".form-row, .flex-container");
      const label = labelOf({ id: first }) || row?.querySelector("label");
      const part = input.matches(".vDateField") ? "datum" : "klockslag";
      const name = label ? label.textContent.replace(/:\s*$/, "") : "";
      input.setAttribute("aria-label", name ? `${name}, ${part}` : part);
    }
  }

  function nameIcons(root) {
    for (const icon of root.querySelectorAll(".search-label-icon[aria-label]")) {
      icon.setAttribute("role", "img");
    }
  }

  // The calendar or the clock that a link opens is drawn last in the page: the focus goes there, and
  // comes back.
  function leadInto(box, link) {
    const leave = box.querySelector(".calendar-cancel a");
    link.addEventListener("click", () => {
      const chosen = box.querySelector(".selected a") ?? box.querySelector(".today a");
      (chosen ?? box.querySelector("a")).focus();
    });
    leave.addEventListener("click", () => link.focus());
    box.addEventListener("keydown", (event) => {
      const edge = event.shiftKey ? box.querySelector("a") : leave;
      if (event.key === "Escape" || (event.key === "Tab" && event.target === edge)) {
        event.preventDefault();
        leave.click();
      }
    });
  }

  // A link beside each day and time that fills it in, and one with nothing but an icon. Django draws
  // them all anew when a row is added.
  function nameShortcuts() {
    for (const shortcuts of document.querySelectorAll(".datetimeshortcuts")) {
      const field = shortcuts.previousElementSibling;
      const label = labelOf(field)?.textContent.replace(/:\s*$/, "");
      const name = field.getAttribute("aria-label") ?? label ?? "";
      const [now, link] = shortcuts.querySelectorAll("a");
      const box = document.getElementById(link.id.replace("link", "box"));
      if (!link.ariaLabel) {
        now.ariaLabel = `${now.textContent}: ${name}`;
        link.ariaLabel = `${link.firstElementChild.title}: ${name}`;
        leadInto(box, link);
      }
    }
    for (const [part, name] of [["previous", "Förra månaden"], ["next", "Nästa månad"]]) {
      for (const link of document.querySelectorAll(`.calendarnav-${part}`)) {
        link.ariaLabel = name;
      }
    }
  }

  function nameAll(root) {
    nameChoices(root);
    nameMoments(root);
    nameIcons(root);
    nameShortcuts();
  }

  // After the admin's scripts, which draw when the page is ready, when it has loaded, and when a row
  // is added.
  const afterDrawing = (run) => (window.django?.jQuery ? window.django.jQuery(run) : run());
  window.addEventListener("load", () => afterDrawing(() => nameAll(document)));
  document.addEventListener("formset:added", (event) => {
    setTimeout(() => nameAll(event.target), 0);
  });

  // Of a form that was refused, the first field to mend: a page's has more than a hundred stops.
  function goToError() {
    const field = document.querySelector('[aria-invalid="true"]');
    const drawn = field?.parentElement.querySelector(".select2-selection");
    (drawn ?? field)?.focus();
  }
  window.addEventListener("load", () => afterDrawing(goToError));

  // Who adds a row goes on in it; who takes one away is left where another can be added.
  document.addEventListener("formset:added", (event) => {
    event.target.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  });
  document.addEventListener("formset:removed", (event) => {
    const group = document.getElementById(`${event.detail.formsetName}-group`);
    group?.querySelector(".add-row a")?.focus();
  });

  // Django draws these buttons as links, which know of Enter only.
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches?.("a[role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });
}
