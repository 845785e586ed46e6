// What is being written in a page's form is kept in this browser until it is saved, and offered again.
//
// Every opening of a form keeps a draft of its own, so that two tabs never write over each other. The
// server marks the message that tells of a save with the draft it saved; then that draft is forgotten.
// Signing out forgets them all.

"use strict";

{
  const PREFIX = "kollekt-utkast/";
  const SIGNED_OUT = "kollekt-utloggad";
  const KEPT = 3 * 24 * 60 * 60 * 1000;
  const NOT_KEPT = new Set(["csrfmiddlewaretoken", "_draft"]);

  // A browser may refuse to keep anything; then the form works as it does without this script.
  const store = (() => {
    try {
      window.localStorage.getItem(PREFIX);
      return window.localStorage;
    } catch {
      return null;
    }
  })();

  const keys = () => Object.keys(store).filter((key) => key.startsWith(PREFIX));

  function read(key) {
    try {
      return JSON.parse(store.getItem(key));
    } catch {
      return null;
    }
  }

  function forgetOld() {
    for (const key of keys()) {
      const draft = read(key);
      if (!draft || Date.now() - draft.at > KEPT) {
        store.removeItem(key);
      }
    }
  }

  function forgetSaved() {
    for (const message of document.querySelectorAll(".messagelist [class*='draft-']")) {
      const token = /(?:^|\s)draft-([a-z0-9]+)/.exec(message.className)?.[1];
      for (const key of keys()) {
        if (token && key.endsWith(`/${token}`)) {
          store.removeItem(key);
        }
      }
    }
  }

  // Leaving a field on the way out is a change, too: nothing is kept after this.
  let isSignedOut = false;

  function forgetAtSignOut() {
    document.addEventListener("submit", (event) => {
      const address = event.target.getAttribute("action") ?? "";
      if (new URL(address, window.location.href).pathname === "/logga-ut/") {
        isSignedOut = true;
        keys().forEach((key) => store.removeItem(key));
        // Says so to the other tabs, where somebody's words may still stand.
        store.setItem(SIGNED_OUT, Date.now());
      }
    });
    window.addEventListener("storage", (event) => {
      isSignedOut ||= event.key === SIGNED_OUT;
    });
  }

  // What the form says --------------------------------------------------------------------------

  const isChosenList = (field) => field.matches("select[multiple]") && field.id.endsWith("_to");

  function* fieldsOf(form) {
    for (const field of form.elements) {
      const isOffered = field.id?.endsWith("_from") && field.matches("select");
      if (field.name && !NOT_KEPT.has(field.name) && !isOffered && !field.name.includes("__prefix__")) {
        if (!["submit", "button", "file", "password", "fieldset"].includes(field.type)) {
          yield field;
        }
      }
    }
  }

  function valueOf(field) {
    if (field.type === "checkbox" || field.type === "radio") {
      return field.checked;
    }
    if (field.matches("select")) {
      const chosen = isChosenList(field) ? [...field.options] : [...field.selectedOptions];
      return chosen.map((option) => [option.value, option.text]);
    }
    return field.value;
  }

  const nameOf = (field) =>
    field.type === "radio" ? `${field.name}=${field.value}` : field.name;

  const contentsOf = (form) =>
    Object.fromEntries([...fieldsOf(form)].map((field) => [nameOf(field), valueOf(field)]));

  // Putting it back -------------------------------------------------------------------------------

  function choose(select, wanted) {
    const ids = new Set(wanted.map(([value]) => value));
    if (isChosenList(select) && window.SelectBox) {
      const from = select.id.replace(/_to$/, "_from");
      const cache = window.SelectBox.cache;
      const all = [...cache[from], ...cache[select.id]];
      cache[select.id] = all.filter((one) => ids.has(one.value));
      cache[from] = all.filter((one) => !ids.has(one.value));
      window.SelectBox.redisplay(from);
      window.SelectBox.redisplay(select.id);
      return;
    }
    for (const [value, text] of wanted) {
      if (![...select.options].some((option) => option.value === value)) {
        select.add(new Option(text, value));
      }
    }
    for (const option of select.options) {
      option.selected = ids.has(option.value);
    }
  }

  function put(field, value) {
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = value;
    } else if (field.matches("select")) {
      choose(field, value);
    } else {
      field.value = value;
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function addRows(form, contents) {
    for (const [name, total] of Object.entries(contents)) {
      const prefix = /^(.+)-TOTAL_FORMS$/.exec(name)?.[1];
      const button = prefix && document.querySelector(`#${CSS.escape(prefix)}-group .add-row a`);
      const there = () => Number(form.elements[name]?.value);
      for (let turn = there(); button && turn < Number(total); turn += 1) {
        button.click();
      }
    }
  }

  function restore(form, contents) {
    addRows(form, contents);
    const wanted = new Map(Object.entries(contents));
    const counts = [];
    for (const field of fieldsOf(form)) {
      const name = nameOf(field);
      if (!wanted.has(name)) {
        continue;
      }
      if (/-(TOTAL|INITIAL)_FORMS$/.test(name)) {
        counts.push([field, wanted.get(name)]);
      } else {
        put(field, wanted.get(name));
      }
    }
    // Last: what somebody else has added since is not part of what was written, and is left alone.
    for (const [field, value] of counts) {
      field.value = value;
    }
  }

  // The form ---------------------------------------------------------------------------------------

  function when(moment) {
    const at = new Date(moment);
    const time = at.toLocaleTimeString("sv-SE", { hour: "2-digit", minute: "2-digit" });
    const clock = `kl. ${time.replace(":", ".")}`;
    if (at.toDateString() === new Date().toDateString()) {
      return clock;
    }
    return `den ${at.toLocaleDateString("sv-SE", { day: "numeric", month: "long" })} ${clock}`;
  }

  class Draft {
    constructor(box) {
      this.box = box;
      this.form = box.closest("form");
      this.says = box.querySelector("[data-draft-says]");
      this.of = `${PREFIX}${box.dataset.draftUser}/${box.dataset.draftPage}/`;
      this.token = /^[a-z0-9]{8,40}$/.test(box.dataset.draftToken ?? "")
        ? box.dataset.draftToken
        : crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(36), "");
      this.timer = null;
    }

    begin() {
      const token = document.createElement("input");
      token.type = "hidden";
      token.name = "_draft";
      token.value = this.token;
      this.form.append(token);
      this.form.addEventListener("input", () => this.keepSoon());
      this.form.addEventListener("change", () => this.keepSoon());
      this.form.addEventListener("click", (event) => {
        if (event.target.closest(".selector, .inline-deletelink, .add-row")) {
          this.keepSoon();
        }
      });
      this.form.addEventListener("submit", () => this.keep());
      window.addEventListener("pagehide", () => this.timer && this.keep());
      this.box.querySelector("[data-draft-restore]").addEventListener("click", () => this.restore());
      this.box.querySelector("[data-draft-discard]").addEventListener("click", () => this.discard());
      if ("draftAgain" in this.box.dataset) {
        this.keep();
      } else {
        this.offer();
      }
    }

    keepSoon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.keep(), 500);
    }

    keep() {
      clearTimeout(this.timer);
      this.timer = null;
      if (isSignedOut) {
        return;
      }
      const draft = { at: Date.now(), contents: contentsOf(this.form) };
      try {
        store.setItem(this.of + this.token, JSON.stringify(draft));
      } catch {
        // Full: what is written stands in the form all the same.
      }
    }

    // The newest draft of this page that another opening of its form has left.
    left() {
      const others = keys().filter((key) => key.startsWith(this.of) && !key.endsWith(this.token));
      const found = others.map((key) => ({ key, ...read(key) }));
      return found.sort((one, other) => other.at - one.at)[0];
    }

    offer() {
      const left = this.left();
      this.box.hidden = !left;
      if (left) {
        this.says.textContent = `Du har ändringar från ${when(left.at)} som inte är sparade.`;
      }
    }

    restore() {
      const left = this.left();
      if (left) {
        restore(this.form, left.contents);
        this.keep();
        store.removeItem(left.key);
      }
      this.box.hidden = true;
      this.form.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    }

    discard() {
      const left = this.left();
      if (left) {
        store.removeItem(left.key);
      }
      this.offer();
      if (this.box.hidden) {
        this.form.querySelector("input:not([type=hidden]), textarea, select")?.focus();
      }
    }
  }

  if (store) {
    forgetOld();
    forgetSaved();
    forgetAtSignOut();
    // After the admin's own scripts have drawn their lists.
    window.addEventListener("load", () => {
      const box = document.querySelector("[data-draft-user]");
      if (box) {
        setTimeout(() => new Draft(box).begin(), 0);
      }
    });
  }
}
