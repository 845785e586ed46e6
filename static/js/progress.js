// How far long work has come, without the whole page being loaded again and again.
(() => {
  "use strict";

  const shown = document.getElementById("framsteg");
  if (!shown) return;

  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("framsteg");
      if (!now) {
        location.reload();
        return;
      }
      shown.replaceChildren(...now.childNodes);
      document.title = page.title;
    } catch {
      // The server is away for a moment: ask again.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
})();
