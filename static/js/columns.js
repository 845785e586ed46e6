// The rows are shown anew whenever a column is chosen. Without this the button "Visa igen" shows them.
(() => {
  "use strict";

  const form = document.getElementById("kolumner");
  if (!form) return;
  const shown = document.getElementById("rader");
  let asked = new AbortController();

  const show = async () => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    shown.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("rader");
      if (!answer.ok || !fresh) throw new Error("no rows");
      shown.replaceChildren(...fresh.childNodes);
    } catch (error) {
      if (signal.aborted) return;
      // What has happened, a session that has ended for one, is told by the page itself.
      form.requestSubmit(form.elements.show);
      return;
    }
    shown.removeAttribute("aria-busy");
  };

  form.addEventListener("change", (event) => {
    if (event.target.name === "name") return;
    // Other headings are other choices in every field.
    if (event.target.name === "header_row") form.requestSubmit(form.elements.show);
    else show();
  });
})();
