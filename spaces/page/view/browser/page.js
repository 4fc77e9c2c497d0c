// What the page needs beside Gradio: numbered choices, results that are marked while they are old,
// arrow keys between the examples, files that are too large, and an address for a result.
(() => {
  const page = { turn: 0, ahead: 0 };
  let chosen = false; // an example is chosen, and Gradio has not asked for its number yet
  window.hephaestus = page;

  // The library that draws, loaded when the first picture is.
  let library = null;
  page.plotly = () => {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = "plotly.min.js";
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("the library that draws did not come"));
      document.head.append(script);
    });
    return library;
  };

  // The number of a choice, for the word that goes ahead of it; see events.py. The browser may ask
  // for it before or after `next`: either way the word never overtakes its own choice.
  page.announce = () => {
    page.ahead = Math.max(page.ahead + 1, page.turn);
    chosen = false;
    mark();
    return page.ahead;
  };

  // Cancel: later than every choice.
  page.after = () => {
    page.turn = page.ahead = Math.max(page.turn, page.ahead) + 1;
    mark();
    return page.turn;
  };

  // The number of the visitor's next choice.
  page.next = () => {
    page.turn = Math.max(page.turn + 1, page.ahead);
    chosen = false;
    mark();
    if (innerWidth < 900) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const place = document.querySelector("#state");
      setTimeout(() => place?.scrollIntoView({ behavior: calm ? "auto" : "smooth" }), 30);
    }
    return page.turn;
  };

  // Gradio sends moves that follow closely side by side, and the answer to an earlier one may come
  // last: when the slider rests, numbers of another threshold are asked for once more.
  let wanted = null, tries = 0, later = 0;
  const answered = () => document.querySelector("#notice .notice")?.dataset.answer;
  function agree(answer) {
    const shown = document.querySelector("#numbers [data-threshold]")?.dataset.threshold;
    if (!shown || answered() !== answer || Number(shown) === wanted || tries > 4) return;
    const slider = document.querySelector("#threshold input[type=range]");
    slider?.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // A threshold within the slider's range, whatever was typed; see events.py.
  page.level = (token, value, rest) => {
    const number = value === null || value === "" ? NaN : Number(value);
    const level = Number.isFinite(number) ? Math.min(Math.max(number, 0.01), 0.99) : 0.5;
    tries = level === wanted ? tries + 1 : 0;
    wanted = level;
    clearTimeout(later);
    later = setTimeout(agree, 1000, answered());
    return [token, level, ...rest.map(() => (level === value ? "" : "moved"))];
  };

  let addressed = "";

  // Until the notice answers the last choice, what is shown belongs to an earlier one.
  function mark() {
    const results = document.querySelector("#results");
    const notice = document.querySelector("#notice .notice");
    if (!results || !notice) return;
    const pending = chosen || Number(notice.dataset.turn) !== Math.max(page.turn, page.ahead);
    results.classList.toggle("pending", pending);
    results.classList.toggle("busy", pending || notice.classList.contains("working"));
    const token = pending ? "" : notice.dataset.answer;
    const address = new URL(location.href);
    if (token && token !== addressed) {
      addressed = token;
      // An address that named this result keeps its threshold.
      if (address.searchParams.get("result") === token) return;
      address.searchParams.set("result", token);
      ["threshold", "of", "pair"].forEach((name) => address.searchParams.delete(name));
      history.replaceState(history.state, "", address);
    }
  }

  // Gradio handles a choice some frames later: until then what is shown belongs to another one.
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("#example input[type=radio]")) return;
    chosen = true;
    mark();
  }, true);

  // Gradio gives each radio button a group of its own, and so a tab stop and no arrow keys.
  function group() {
    for (const radio of document.querySelectorAll("#example input[type=radio]"))
      if (radio.name !== "example") radio.name = "example";
    // Its name must hold the words that are seen on it, for those who speak to their computer.
    const upload = document.querySelector("#upload button[aria-label]");
    const words = upload?.innerText.replace(/\s+/g, " ").trim();
    if (words && upload.ariaLabel !== words) upload.ariaLabel = words;
  }

  function tooLarge(files) {
    const place = document.querySelector("#too-large");
    const bytes = [...files].reduce((sum, file) => sum + file.size, 0);
    const megabytes = (count) => Math.ceil(count / 2 ** 20).toLocaleString("en");
    if (!place) return false;
    const refused = bytes > window.hephaestusLimit;
    place.innerHTML = !refused ? "" : `<div class="hp notice error" role="alert"><p><strong>Not
      possible.</strong> These files have ${megabytes(bytes)} MB; at most
      ${megabytes(window.hephaestusLimit)} MB are taken. Cut a window out of the product, or send a
      single pair of the minicube as an .npz.</p></div>`;
    return refused;
  }

  function refuse(event) {
    const files = event.type === "drop" ? event.dataTransfer?.files : event.target.files;
    if (!files?.length || !event.target.closest?.("#upload")) return;
    if (!tooLarge(files)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === "change") event.target.value = "";
  }
  document.addEventListener("change", refuse, true);
  document.addEventListener("drop", refuse, true);

  // Gradio's slider has a release event for pointers alone; this sends it for keys, too.
  document.addEventListener("keyup", (event) => {
    if (event.target.matches?.("#threshold input[type=range]"))
      event.target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  });

  page.watch = [mark, group];
  const look = () => page.watch.forEach((each) => each());
  // Gradio changes elements in place, attributes included.
  const attributeFilter = ["class", "data-turn", "data-answer", "data-facts", "data-threshold"];
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributeFilter });
})();
