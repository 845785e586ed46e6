// What the pages at the door do more of with JavaScript: show a password, print, use a key.
(() => {
  for (const button of document.querySelectorAll("[data-reveals]")) {
    const input = document.getElementById(button.dataset.reveals);
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.textContent = shown ? "Visa lösenordet" : "Dölj lösenordet";
    });
    // So that neither the browser nor anybody at its side remembers it.
    input.form.addEventListener("submit", () => {
      input.type = "password";
    });
  }

  for (const button of document.querySelectorAll("[data-prints]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  for (const part of document.querySelectorAll("[data-needs-key]")) {
    part.hidden = !window.PublicKeyCredential;
  }
  for (const part of document.querySelectorAll("[data-without-key]")) {
    part.hidden = Boolean(window.PublicKeyCredential);
  }

  // Enter in a form that has only a key to send asks for the key.
  for (const button of document.querySelectorAll("[data-asks-for-key]")) {
    button.form.addEventListener("submit", (event) => {
      event.preventDefault();
      button.click();
    });
  }

  // allauth tells when a key did not answer, or the person changed their mind.
  document.addEventListener("allauth.error", (event) => {
    const failed = document.getElementById("key-failed");
    if (failed) {
      event.preventDefault();
      failed.hidden = false;
      failed.focus();
    }
  });
})();
