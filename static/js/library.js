"use strict";

/* A picture's focus is set by clicking where it is; the two numbers below it say the same, and do without. */
for (const picture of document.querySelectorAll(".focus-picture")) {
  const x = document.getElementById("id_focus_x");
  const y = document.getElementById("id_focus_y");
  const image = picture.querySelector("img");
  if (!x || !y) continue;

  const mark = document.createElement("span");
  mark.className = "focus-mark";
  picture.append(mark);
  picture.classList.add("focus-picture--live");

  const percent = (field) => Math.min(100, Math.max(0, Number(field.value) || 0));
  const tenth = (field) => Math.floor((percent(field) + 5) / 10) * 10;

  const show = () => {
    mark.style.left = `${image.offsetLeft + (image.offsetWidth * percent(x)) / 100}px`;
    mark.style.top = `${image.offsetTop + (image.offsetHeight * percent(y)) / 100}px`;
    for (const crop of document.querySelectorAll(".library-crop")) {
      const kept = [...crop.classList].filter((name) => !name.startsWith("focus-"));
      crop.className = [...kept, `focus-x-${tenth(x)}`, `focus-y-${tenth(y)}`].join(" ");
    }
  };

  image.addEventListener("click", (event) => {
    const box = image.getBoundingClientRect();
    x.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    y.value = Math.round((100 * (event.clientY - box.top)) / box.height);
    show();
  });
  x.addEventListener("input", show);
  y.addEventListener("input", show);
  image.addEventListener("load", show);
  window.addEventListener("resize", show);
  show();
}
