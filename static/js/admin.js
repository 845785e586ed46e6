// Names for the controls that the admin's own scripts draw, taken from the labels beside them.

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

  function nameAll(root) {
    nameChoices(root);
    nameMoments(root);
    nameIcons(root);
  }

  // After the admin's scripts, which draw when the page is ready, when it has loaded, and when a row
  // is added.
  const afterDrawing = (run) => (window.django?.jQuery ? window.django.jQuery(run) : run());
  window.addEventListener("load", () => afterDrawing(() => nameAll(document)));
  document.addEventListener("formset:added", (event) => {
    setTimeout(() => nameAll(event.target), 0);
  });
}
