// The record in time: a volcano or frame is chosen, its pairs are drawn as bars, one is opened.
(() => {
  const page = window.hephaestus;
  const AGAIN = 60_000; // milliseconds between two looks: `watch` may be adding pairs
  let current = null;

  async function ask(what, query = "") {
    const answer = await fetch(`record/${what}?${query}`);
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  }

  class RecordView {
    constructor(root) {
      this.root = root;
      this.scene = new URLSearchParams(location.search).get("pair");
      root.innerHTML = `<div class="choose"></div><p class="trouble" role="alert"></p>
        <h2 class="title"></h2><div class="tools" hidden>
          <button type="button" data-months="12">Last 12 months</button>
          <button type="button" data-months="">All years</button>
          <label><input type="checkbox" name="alarms"> Only deformation in the list</label></div>
        <div class="bars" role="img" aria-label="Timeline of the pairs; the list below says the same"></div>
        <div class="list"></div><div class="opened" aria-live="polite"></div>`;
      root.addEventListener("change", (event) => this.changed(event.target));
      root.addEventListener("click", (event) => this.pressed(event.target.closest("button")));
      this.of = new URLSearchParams(location.search).get("of") ?? "";
      this.refresh();
    }

    part(name) {
      return this.root.querySelector(`.${name}`);
    }

    async refresh() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.root.isConnected && this.refresh(), AGAIN);
      if (this.root.offsetParent === null && this.data) return; // another tab is looked at
      try {
        const index = await (await ask("index")).text();
        if (index !== this.index) {
          this.index = index;
          this.part("choose").innerHTML = index;
        }
        const select = this.root.querySelector("[name=of]");
        if (select) {
          if ([...select.options].some((option) => option.value === this.of)) select.value = this.of;
          await this.load(select.value);
        }
        this.part("trouble").textContent = "";
      } catch (error) {
        this.part("trouble").textContent = `${error.message ?? error}`;
      }
    }

    // The history of a volcano or frame; drawn anew only if it has changed.
    async load(of) {
      const other = of !== this.of;
      this.of = of;
      const text = await (await ask("history", of)).text();
      if (this.of !== of || text === this.text) return; // another was chosen meanwhile
      if (other && this.text) this.close();
      [this.text, this.data] = [text, JSON.parse(text)];
      const held = document.activeElement?.name === "pair";
      this.part("title").textContent = this.data.title;
      this.part("tools").hidden = false;
      this.part("list").innerHTML = this.data.table;
      const radio = this.radio(this.scene);
      if (radio) radio.checked = true;
      if (held) (radio ?? this.root.querySelector("[name=pair]"))?.focus();
      await this.draw();
      if (radio) this.open(this.scene);
    }

    radio(scene) {
      return [...this.root.querySelectorAll("[name=pair]")].find((each) => each.value === scene);
    }

    changed(target) {
      if (target.name === "of") this.turn(target.value);
      if (target.name === "pair") this.open(target.value);
      if (target.name === "alarms") this.root.classList.toggle("alarms", target.checked);
    }

    pressed(button) {
      if (button?.dataset.of) this.turn(button.dataset.of);
      if (button?.dataset.months !== undefined) this.span(button.dataset.months);
    }

    turn(of) {
      this.close();
      this.root.querySelector("[name=of]").value = of;
      this.load(of).catch((error) => (this.part("trouble").textContent = error.message));
    }

    close() {
      this.scene = null;
      this.part("opened").replaceChildren();
    }

    async draw() {
      this.Plotly = await page.plotly();
      const chart = this.part("bars");
      const options = { displayModeBar: false, responsive: true };
      await this.Plotly.react(chart, this.traces(), this.layout(), options);
      chart.querySelectorAll("svg").forEach((each) => each.setAttribute("aria-hidden", "true"));
      if (!this.listening)
        chart.on("plotly_click", ({ points }) => points.at(-1).customdata && this.pick(points.at(-1).customdata));
      this.listening = true;
      this.root.dataset.drawn = "1";
    }

    // A bar for each pair: probability above, marked area below it, alarms drawn last.
    traces() {
      const found = [];
      for (const [standing, colour] of Object.entries(this.data.colours).reverse())
        for (const axis of ["y", "y2"]) {
          const bars = this.data.bars.filter((bar) => bar.standing === standing && (axis === "y" || bar.area));
          if (!bars.length) continue;
          found.push({ type: "bar", orientation: "h", name: standing, legendgroup: standing,
            showlegend: axis === "y", yaxis: axis, base: bars.map((bar) => bar.from),
            x: bars.map((bar) => Math.max(bar.days, 1) * 86_400_000),
            y: bars.map((bar) => (axis === "y" ? bar.probability : Math.log10(bar.area))),
            width: standing === "deformation" ? (axis === "y" ? 0.03 : 0.12) : axis === "y" ? 0.02 : 0.08,
            customdata: bars.map((bar) => bar.scene), hovertext: bars.map((bar) => bar.text), hoverinfo: "text",
            textposition: "none", marker: { color: colour, opacity: bars.map((bar) => bar.strength) } });
        }
      return [...this.limits(), ...found, ...found.flatMap((trace) => this.frame(trace))];
    }

    limits() {
      const days = this.data.bars.flatMap((bar) => [bar.from, bar.to]).sort();
      return Object.entries(this.data.limits).map(([name, level], at) => ({ type: "scatter", mode: "lines", name,
        x: [days[0], days.at(-1)], y: [level, level], hoverinfo: "skip",
        line: { color: this.ink(), width: 1, dash: at ? "dash" : "dot" } }));
    }

    // A frame around the bar of the pair that is open.
    frame(trace) {
      const at = trace.customdata.indexOf(this.scene);
      if (at < 0) return [];
      return [{ ...trace, showlegend: false, hoverinfo: "skip", base: [trace.base[at]], x: [trace.x[at]], y: [trace.y[at]],
        width: trace.width * 1.6, customdata: [this.scene],
        marker: { color: "rgba(0,0,0,0)", line: { color: this.ink(), width: 2 } } }];
    }

    layout() {
      const areas = this.data.bars.filter((bar) => bar.area).map((bar) => Math.log10(bar.area));
      const low = Math.floor(Math.min(0, ...areas)), high = Math.ceil(Math.max(1, ...areas) + 0.1);
      const powers = Array.from({ length: high - low + 1 }, (_, at) => low + at);
      const grid = "rgba(128,140,155,.28)";
      const axis = { gridcolor: grid, zeroline: false, fixedrange: true };
      const narrow = this.root.clientWidth < 560;
      return { height: narrow ? 380 : 440, barmode: "overlay", bargap: 0, font: { color: this.ink(), size: 12 },
        margin: { l: 58, r: 12, t: 8, b: 30 }, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", hovermode: "closest",
        legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
        xaxis: { type: "date", gridcolor: grid, anchor: "y2" },
        yaxis: { ...axis, domain: [0.4, 1], range: [-0.03, 1.05], title: { text: "probability" } },
        yaxis2: { ...axis, domain: [0, 0.32], range: [low, high], title: { text: "marked, km²" },
          tickvals: powers, ticktext: powers.map((power) => `${10 ** power}`) } };
    }

    ink() {
      return getComputedStyle(this.root).color;
    }

    span(months) {
      if (!this.data?.bars.length) return;
      const ends = this.data.bars.map((bar) => bar.to).sort();
      const last = new Date(ends.at(-1)), first = new Date(last);
      first.setMonth(first.getMonth() - Number(months));
      const change = months ? { "xaxis.range": [first.toISOString(), last.toISOString()] } : { "xaxis.autorange": true };
      this.Plotly.relayout(this.part("bars"), change);
    }

    pick(scene) {
      const radio = this.radio(scene);
      if (radio) {
        radio.checked = true;
        radio.closest("tr").scrollIntoView({ block: "nearest" });
      }
      this.open(scene, true);
    }

    async open(scene, scroll = false) {
      this.scene = scene;
      const place = this.part("opened");
      place.classList.add("old"); // pale until the new pair is there
      try {
        const html = await (await ask("pair", `${this.of}&scene=${encodeURIComponent(scene)}`)).text();
        if (this.scene !== scene) return;
        place.innerHTML = html;
        place.classList.remove("old");
      } catch (error) {
        if (this.scene === scene) place.textContent = error.message;
      }
      this.Plotly?.react(this.part("bars"), this.traces(), this.part("bars").layout);
      const address = new URL(location.href);
      ["result", "threshold"].forEach((name) => address.searchParams.delete(name));
      address.searchParams.set("of", this.of);
      address.searchParams.set("pair", scene);
      history.replaceState(history.state, "", address);
      if (scroll || innerWidth < 900) {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        place.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
      }
    }
  }

  // A link to a pair opens the record's tab.
  let led = !new URLSearchParams(location.search).has("pair");
  function look() {
    const root = document.querySelector("#record .record");
    if (root && current?.root !== root) current = new RecordView(root);
    if (led) return;
    const tab = [...document.querySelectorAll("#rooms [role=tab]")].find((each) => each.innerText.trim() === "Record");
    if (tab) {
      led = true;
      tab.click();
    }
  }
  page.watch.push(look);
})();
