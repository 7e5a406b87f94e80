"use strict";
{
  const controls = document.getElementById("controls");
  const heat = document.getElementById("heat");
  const boxes = document.getElementById("boxes");

  /* A separate style sheet: a property of the whole page would make the browser restyle every element. */
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [sheet];
  const showHeat = () => {
    document.getElementById("strength").value = heat.value + "%";
    sheet.replaceSync(`.heat { opacity: ${heat.value / 100} }`);
  };
  const showBoxes = () => document.body.classList.toggle("without-boxes", !boxes.checked);

  /* Shows the figures of one model, or of all. */
  const showModels = (event) => {
    for (const figure of document.querySelectorAll("[data-model]")) {
      figure.hidden = ![figure.dataset.model, "all"].includes(event.target.value);
    }
  };

  /* Scrolling areas can be reached by keyboard, and have a name. */
  const markScrollers = () => {
    for (const scroller of document.querySelectorAll(".scroll")) {
      const isScrolled = scroller.scrollWidth > scroller.clientWidth || scroller.scrollHeight > scroller.clientHeight;
      const label = scroller.querySelector("caption").textContent;
      for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", label]]) {
        if (isScrolled) scroller.setAttribute(name, value); else scroller.removeAttribute(name);
      }
    }
  };
  addEventListener("resize", markScrollers);
  markScrollers();

  if (controls) {
    controls.hidden = false;
    controls.reset();
    heat.addEventListener("input", showHeat);
    boxes?.addEventListener("change", showBoxes);
    controls.querySelector("fieldset")?.addEventListener("change", showModels);
    controls.addEventListener("submit", (event) => event.preventDefault());
  }
}
