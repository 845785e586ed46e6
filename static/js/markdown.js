// The editor for Markdown, around django-markdownx's own script, which shows the preview.
//
// Listeners stand on the document and catch events on their way down, before the library's on the
// text area: it holds the Tab key, takes Ctrl+D, and drops files into the text without asking.

"use strict";

{
  const LIBRARY = 'script[src*="markdownx/js/markdownx"]';
  const SILENT = "Förhandsvisningen svarar inte just nu. Det du har skrivit är kvar.";
  const shownBefore = new WeakMap();

  const frameOf = (element) => element?.closest?.(".markdownx") ?? null;
  const editorOf = (frame) => frame.querySelector(".markdownx-editor");

  function isEditor(element) {
    return element instanceof HTMLTextAreaElement && element.matches(".markdownx-editor");
  }

  // Messages ------------------------------------------------------------------------------

  // Nodes of our server's, or a text; none takes the message away.
  function say(frame, ...what) {
    frame.querySelector(".markdown-notice").replaceChildren(...what);
  }

  // Writing -------------------------------------------------------------------------------

  // Replace what is selected, so that the browser's own "undo" knows of it.
  function write(editor, text) {
    editor.focus();
    if (!document.execCommand("insertText", false, text)) {
      editor.setRangeText(text, editor.selectionStart, editor.selectionEnd, "end");
      editor.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function selectWithin(editor, text, part) {
    const from = editor.selectionEnd - text.length + text.lastIndexOf(part);
    editor.setSelectionRange(from, from + part.length);
  }

  const selected = (editor) => editor.value.slice(editor.selectionStart, editor.selectionEnd);

  function bold(editor) {
    const words = selected(editor);
    const whole = /^(\s*)([\s\S]*?)(\s*)$/.exec(words);
    if (/^\*\*[\s\S]+\*\*$/.test(whole[2])) {
      write(editor, whole[1] + whole[2].slice(2, -2) + whole[3]);
      return;
    }
    const inside = whole[2] || "fet text";
    const text = `${whole[1]}**${inside}**${whole[3]}`;
    write(editor, text);
    selectWithin(editor, text, inside);
  }

  function link(editor) {
    const words = selected(editor).trim();
    const isAddress = /^(https?:\/\/|mailto:)\S+$/.test(words);
    const [name, address] = isAddress ? ["länktext", words] : [words || "länktext", "https://"];
    const text = `[${name}](${address})`;
    write(editor, text);
    selectWithin(editor, text, isAddress || !words ? name : address);
  }

  // Put a mark before each of the selected lines, or take it away when all of them have it.
  function mark(editor, sign, of) {
    const from = editor.value.lastIndexOf("\n", editor.selectionStart - 1) + 1;
    const end = editor.value.indexOf("\n", editor.selectionEnd);
    editor.setSelectionRange(from, end === -1 ? editor.value.length : end);
    const lines = selected(editor).split("\n");
    const marked = lines.every((line) => of.test(line) || (lines.length > 1 && !line.trim()));
    const text = lines
      .map((line) => line.replace(of, ""))
      .map((line) => (marked || (lines.length > 1 && !line.trim()) ? line : sign + line))
      .join("\n");
    // A mark needs an empty line before it, unless the line before has one as well.
    const before = editor.value.slice(0, from).split("\n").at(-2) ?? "";
    write(editor, !marked && before.trim() && !of.test(before) ? `\n${text}` : text);
  }

  function paragraph(editor, text) {
    const before = editor.value.slice(0, editor.selectionStart);
    const after = editor.value.slice(editor.selectionEnd);
    const lead = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    const tail = after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
    write(editor, lead + text + tail);
  }

  const TOOLS = {
    bold,
    link,
    heading: (editor) => mark(editor, "# ", /^#{1,6} +/),
    list: (editor) => mark(editor, "- ", /^[-*] +/),
    picture: (editor) => askForPicture(editor),
  };

  // Pasting -------------------------------------------------------------------------------

  const converter = new TurndownService({
    headingStyle: "atx",
    bulletListMarker: "-",
    codeBlockStyle: "fenced",
    emDelimiter: "*",
    hr: "---",
  });
  converter.use(turndownPluginGfm.tables);
  // Links keep their words when they lead nowhere.
  converter.addRule("link", {
    filter: (node) => node.nodeName === "A",
    replacement: (words, node) => {
      const address = node.getAttribute("href") ?? "";
      const leads = /^(https?:|mailto:|tel:)/i.test(address) && words.trim();
      return leads ? `[${words}](${address.replace(/[()\s]/g, encodeURIComponent)})` : words;
    },
  });

  // Pictures come by the button, with a consent.
  const LEFT_OUT = "script, style, title, meta, link, noscript, template, iframe, img, picture, svg";

  function asMarkdown(html) {
    // Under other names: the content security policy stops these even in a page nobody sees.
    const tame = html
      .replace(/<style[\s\S]*?<\/style>/gi, "")
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/<!\[[^\]]*\]>/g, "")
      .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s/"'])(style|on[a-z]+)\s*=/gi, "$1data-$2="));
    const body = new DOMParser().parseFromString(tame, "text/html").body;
    body.querySelectorAll(LEFT_OUT).forEach((node) => node.remove());
    weightsToElements(body);
    wordListsToLists(body);
    return converter
      .turndown(body)
      .replace(/\u00ad/g, "")
      .replace(/\u00a0/g, " ")
      .replace(/^(\s*(?:[-*]|\d+\.)) {2,}/gm, "$1 ")
      .replace(/[ \t]+$/gm, "")
      .replace(/\n{3,}/g, "\n\n")
      .trim();
  }

  // Google's documents and Word's web page say what is bold by style alone.
  function weightsToElements(body) {
    for (const node of body.querySelectorAll("b[data-style], strong[data-style]")) {
      if (/font-weight:\s*(normal|400)/i.test(node.dataset.style)) {
        node.replaceWith(...node.childNodes);
      }
    }
    for (const node of body.querySelectorAll("span[data-style]")) {
      for (const [rule, name] of [
        [/font-weight:\s*(bold|[6-9]00)/i, "strong"],
        [/font-style:\s*italic/i, "em"],
      ]) {
        if (rule.test(node.dataset.style) && node.textContent.trim()) {
          const element = body.ownerDocument.createElement(name);
          element.append(...node.childNodes);
          node.append(element);
        }
      }
    }
  }

  // Word writes a list as paragraphs with a drawn dot or number before each.
  function wordListsToLists(body) {
    for (const node of body.querySelectorAll("p[data-style*='mso-list'], p[class*='MsoListParagraph']")) {
      const drawn = node.querySelector("[data-style*='mso-list:Ignore'], [data-style*='mso-list: Ignore']");
      const sign = (drawn?.textContent ?? node.textContent).trim();
      drawn?.remove();
      const name = /^\(?[0-9a-z]{1,3}[.)]/i.test(sign) ? "ol" : "ul";
      const before = node.previousElementSibling;
      const list =
        before?.dataset.fromWord === name ? before : body.ownerDocument.createElement(name);
      if (list !== before) {
        list.dataset.fromWord = name;
        node.before(list);
      }
      const item = body.ownerDocument.createElement("li");
      item.append(...node.childNodes);
      item.innerHTML = item.innerHTML.replace(/^(?:\s|&nbsp;|[·•§o](?=(?:\s|&nbsp;)))+/, "");
      list.append(item);
      node.remove();
    }
  }

  function paste(event, editor) {
    const data = event.clipboardData;
    const html = data.getData("text/html");
    const plain = data.getData("text/plain");
    if (!html && data.files.length) {
      event.preventDefault();
      event.stopPropagation();
      askForPicture(editor, data.files[0]);
      return;
    }
    // What Word copies comes with a drawing of itself, which the library would send as a file.
    event.stopPropagation();
    const address = plain.trim();
    if (selected(editor).trim() && /^https?:\/\/\S+$/.test(address)) {
      event.preventDefault();
      write(editor, `[${selected(editor).trim()}](${address})`);
    } else if (html) {
      event.preventDefault();
      write(editor, asMarkdown(html) || plain);
    }
  }

  // Pictures ------------------------------------------------------------------------------

  async function ask(url, how = {}) {
    try {
      return await fetch(url, {
        ...how,
        headers: { "X-Requested-With": "XMLHttpRequest", ...how.headers },
      });
    } catch {
      return null;
    }
  }

  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

  async function askForPicture(editor, file) {
    const frame = frameOf(editor);
    const url = editor.dataset.markdownxUploadUrlsPath;
    if (!url) {
      say(frame, "Den här texten kan inte ha bilder.");
      return;
    }
    const [from, to] = [editor.selectionStart, editor.selectionEnd];
    const answer = await ask(url);
    if (!answer?.ok) {
      say(frame, ...(await messageOf(answer)));
      return;
    }
    const dialog = document.createElement("dialog");
    dialog.className = "markdown-dialog";
    dialog.setAttribute("aria-labelledby", "markdown-picture");
    dialog.append(...nodesOf(await answer.text()));
    document.body.append(dialog);
    const form = dialog.querySelector("[method=post]");
    const upload = form.querySelector("[type=file]");
    const insert = (code) => {
      dialog.close();
      editor.focus();
      editor.setSelectionRange(from, to);
      paragraph(editor, code);
      say(frame, "Bilden är inlagd.");
    };
    letChoose(dialog, insert);
    if (file) {
      const files = new DataTransfer();
      files.items.add(file);
      upload.files = files.files;
    }
    // The library stops every drop that reaches the document; here one may choose the file.
    for (const name of ["dragenter", "dragover", "drop"]) {
      dialog.addEventListener(name, (event) => event.stopPropagation());
    }
    for (const button of dialog.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => dialog.close());
    }
    dialog.addEventListener("close", () => {
      dialog.remove();
      editor.focus();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const code = await send(form);
      if (code) {
        insert(code);
      }
    });
    say(frame);
    dialog.showModal();
    (file ? form.elements.alt : upload).focus();
  }

  // The part of the dialog where a picture of the library is chosen; `insert` gets its code.
  function letChoose(dialog, insert) {
    const form = dialog.querySelector("[role=search]");
    const place = form.querySelector("[data-choices]");
    const words = form.elements.q;
    const choices = () => [...place.querySelectorAll("[data-code]")];
    let asked = 0;
    let waiting;

    async function find(after = "") {
      clearTimeout(waiting);
      const mine = ++asked;
      const query = new URLSearchParams({ q: words.value, older_than: after });
      const answer = await ask(`${form.action}?${query}`);
      const found = answer?.ok ? nodesOf(await answer.text()) : await messageOf(answer);
      if (mine !== asked) {
        return; // other words have been written since
      }
      say(form, ...(answer?.ok ? [] : found));
      if (answer?.ok) {
        show(found, after !== "");
      }
    }

    function show(found, isMore) {
      const before = choices().length;
      const list = place.querySelector("ul");
      if (isMore && list) {
        place.querySelector(".markdown-more").remove();
        const arrived = document.createElement("div");
        arrived.append(...found);
        list.append(...arrived.querySelectorAll("li"));
        place.append(...arrived.querySelectorAll(".markdown-more"));
        choices()[before]?.focus();
      } else {
        place.replaceChildren(...found);
      }
      const number = choices().length;
      const said = `Visar ${number} ${number === 1 ? "bild" : "bilder"}.`;
      const rest = place.querySelector("[data-more]") ? " Det finns fler." : "";
      form.querySelector("[data-found]").textContent = number ? said + rest : place.textContent.trim();
    }

    dialog.querySelector(".markdown-ways").addEventListener("change", () => {
      if (!place.hasChildNodes()) {
        find();
      }
    });
    words.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(find, 250);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      find();
    });
    form.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.code) {
        insert(button.dataset.code);
      } else if (button?.dataset.more) {
        find(button.dataset.more);
      }
    });
    form.addEventListener("keydown", (event) => {
      const to = stepTo(event, words, choices());
      if (to) {
        event.preventDefault();
        to.focus();
      }
    });
  }

  // Where a key leads from one of the choices, or from the search above them; nowhere for most keys.
  function stepTo(event, words, choices) {
    const at = choices.indexOf(event.target);
    if (event.target === words) {
      return event.key === "ArrowDown" ? choices[0] : undefined;
    }
    if (at === -1) {
      return undefined;
    }
    const top = (choice) => choice.getBoundingClientRect().top;
    const inRow = choices.filter((choice) => top(choice) === top(choices[0])).length;
    if (event.key === "ArrowUp" && at < inRow) {
      return words;
    }
    const leads = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - inRow,
      ArrowDown: at + inRow,
      Home: 0,
      End: choices.length - 1,
    };
    return choices[leads[event.key]];
  }

  // Send the picture. What came of it is its code for the text, or nothing and a message in the form.
  async function send(form, isAgain = false) {
    if (form.dataset.sending !== undefined) {
      return "";
    }
    // A disabled button would lose the focus, and with it whoever pressed it by keyboard.
    form.dataset.sending = "";
    say(form, "Skickar bilden …");
    complain(form, {});
    const answer = await ask(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-CSRFToken": token() },
    });
    delete form.dataset.sending;
    if (answer?.ok) {
      return (await answer.json()).image_code;
    }
    const isJson = answer?.headers.get("Content-Type")?.startsWith("application/json");
    if (isJson) {
      complain(form, (await answer.json()).errors);
      say(form, "Bilden är inte inlagd än. Rätta det som står nedan.");
      form.querySelector('[aria-invalid="true"]')?.focus();
    } else if (answer?.status === 403 && !isAgain && (await renewToken())) {
      return send(form, true);
    } else {
      say(form, ...(await messageOf(answer)));
    }
    return "";
  }

  function complain(form, errors) {
    for (const row of form.querySelectorAll("[data-field]")) {
      const found = errors[row.dataset.field] ?? [];
      const field = form.elements[row.dataset.field];
      const place = row.querySelector(".markdown-error");
      place.textContent = found.join(" ");
      const help = row.querySelector(".help");
      field.setAttribute("aria-invalid", String(found.length > 0));
      const told = [help, found.length ? place : null].filter(Boolean).map((node) => node.id);
      field.setAttribute("aria-describedby", told.join(" "));
    }
  }

  // Sessions that have ended --------------------------------------------------------------

  const nodesOf = (html) => [...new DOMParser().parseFromString(html, "text/html").body.childNodes];

  async function messageOf(answer) {
    if (!answer) {
      return ["Servern svarar inte. Det du har skrivit är kvar. Försök igen om en stund."];
    }
    const nodes = nodesOf(await answer.text());
    const own = nodes.find((node) => node.dataset?.refused !== undefined);
    if (own) {
      return [own];
    }
    return [
      answer.status === 403
        ? "Du får inte göra det här. Det du har skrivit är kvar."
        : "Det gick inte. Det du har skrivit är kvar. Försök igen om en stund.",
    ];
  }

  // After a new sign-in in another tab, what this page sends needs a new mark of where it comes from.
  async function renewToken() {
    const answer = await ask(location.href);
    if (!answer?.ok) {
      return false;
    }
    const there = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = there.querySelector("[name=csrfmiddlewaretoken]")?.value;
    const old = token();
    for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) {
      input.value = fresh ?? old;
    }
    return Boolean(fresh);
  }

  // The library shows whatever is answered: only a preview may stay.
  async function previewed(frame) {
    const preview = frame.querySelector(".markdownx-preview");
    const refused = preview.querySelector("[data-refused]");
    const isPage = preview.querySelector("title, main, form") !== null;
    if (!refused && !isPage) {
      shownBefore.set(frame, preview.innerHTML);
      delete frame.dataset.asked;
      if (frame.dataset.silenced !== undefined) {
        delete frame.dataset.silenced;
        say(frame);
      }
      return;
    }
    preview.innerHTML = shownBefore.get(frame) ?? "";
    frame.dataset.silenced = refused?.dataset.refused ?? "";
    if (refused) {
      say(frame, refused);
    } else if (frame.dataset.asked === undefined && (await renewToken())) {
      frame.dataset.asked = "";
      refresh(frame);
    } else {
      say(frame, SILENT);
    }
  }

  const refresh = (frame) => editorOf(frame).dispatchEvent(new Event("input", { bubbles: true }));

  // Listeners -----------------------------------------------------------------------------

  document.addEventListener(
    "keydown",
    (event) => {
      const isTaken = event.key === "Tab" || ((event.ctrlKey || event.metaKey) && "dD[]".includes(event.key));
      if (isEditor(event.target) && isTaken) {
        event.stopPropagation();
      }
    },
    true,
  );

  document.addEventListener(
    "paste",
    (event) => {
      if (isEditor(event.target) && event.clipboardData) {
        paste(event, event.target);
      }
    },
    true,
  );

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

  document.addEventListener(
    "drop",
    (event) => {
      if (!isEditor(event.target)) {
        return;
      }
      event.stopPropagation();
      if (hasFiles(event)) {
        event.preventDefault();
        askForPicture(event.target, event.dataTransfer.files[0]);
      }
    },
    true,
  );

  // A file dropped beside a field would take the browser away from the page, and the library stops
  // that; but words may be dragged into any field.
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.documentElement.addEventListener(name, (event) => {
      if (!hasFiles(event)) {
        event.stopPropagation();
      }
    });
  }

  document.addEventListener("click", (event) => {
    const tool = event.target.closest?.("[data-markdown]");
    if (tool) {
      TOOLS[tool.dataset.markdown](editorOf(frameOf(tool)));
    }
  });

  document.addEventListener("markdownx.update", (event) => previewed(event.target), true);
  document.addEventListener("markdownx.updateError", (event) => {
    event.target.dataset.silenced = "";
    say(event.target, SILENT);
  }, true);

  // Back from the tab where one has signed in.
  window.addEventListener("focus", () => {
    for (const frame of document.querySelectorAll(".markdownx[data-silenced]")) {
      refresh(frame);
    }
  });

  function showTools(root) {
    for (const tools of root.querySelectorAll(".markdown-tools")) {
      tools.hidden = false;
    }
  }

  document.addEventListener("DOMContentLoaded", () => showTools(document));

  // The library looks for its text areas once: after a row is added it is run again.
  document.addEventListener("formset:added", (event) => {
    const editors = event.target.querySelectorAll(".markdownx-editor");
    for (const editor of editors) {
      editor.removeAttribute("data-markdownx-init");
    }
    if (editors.length) {
      const again = document.createElement("script");
      again.src = document.querySelector(LIBRARY).src;
      document.head.append(again);
    }
  });
}
