// The picture to explore: two layers one over the other, drawn by plotly.js from view/TOKEN/….
(() => {
  const ABSENT = -32768;
  const FINE = 768; // pixels a side that the server sends at most of a layer
  const page = window.hephaestus;
  let current = null;
  let shown = null; // the facts that `current` was made of

  class Explorer {
    // `before` is what was drawn of the same scene: its window, box and points are kept.
    constructor(root, before) {
      this.root = root;
      this.facts = JSON.parse(root.dataset.facts);
      this.plot = root.querySelector(".plot");
      this.readout = root.querySelector(".readout");
      this.window = { top: 0, left: 0, bottom: this.facts.height, right: this.facts.width };
      this.point = null;
      this.reference = null;
      this.threshold = null;
      this.boxing = false;
      const seen = before?.plot.layout;
      if (seen?.xaxis && ["scene", "height", "width"].every((name) => before.facts[name] === this.facts[name])) {
        this.seen = { x: seen.xaxis.range, y: seen.yaxis.range, shapes: seen.shapes ?? [] };
        [this.window, this.point, this.reference] = [before.window, before.point, before.reference];
      }
      this.draw();
    }

    control(name) {
      return this.root.querySelector(`[name=${name}]`);
    }

    step() {
      return this.control("step")?.value ?? this.facts.steps - 1;
    }

    address(what, more = {}) {
      const query = new URLSearchParams({ step: this.step(), ...this.window, ...more });
      return `view/${this.facts.token}/${what}?${query}`;
    }

    images() {
      const { top, left, bottom, right } = this.window;
      const place = { xref: "x", yref: "y", x: left, y: top, sizex: right - left,
        sizey: bottom - top, sizing: "stretch", layer: "below" };
      const opacity = this.control("opacity").value / 100;
      const found = [{ ...place, source: this.address(`${this.control("under").value}.png`) }];
      if (opacity > 0)
        found.push({ ...place, opacity, source: this.address(`${this.control("over").value}.png`) });
      if (this.facts.mask) {
        const level = this.threshold === null ? {} : { threshold: this.threshold };
        found.push({ ...place, source: this.address("outline.png", level) });
      }
      // The library tells images apart by their places alone: equal ones would be taken for one.
      return found.map((each, at) => ({ ...each, sizex: each.sizex + at * 1e-6 }));
    }

    layout() {
      const axis = { visible: false, fixedrange: false, constrain: "domain" };
      const coarse = matchMedia("(pointer: coarse)").matches;
      return {
        xaxis: { ...axis, range: this.seen?.x ?? [0, this.facts.width] },
        yaxis: { ...axis, range: this.seen?.y ?? [this.facts.height, 0], scaleanchor: "x" },
        shapes: this.seen?.shapes ?? [],
        images: this.images(),
        margin: { l: 0, r: 0, t: 0, b: 0 },
        // A finger that scrolls the page must not be caught by the picture.
        dragmode: coarse ? false : "pan",
        paper_bgcolor: "transparent", plot_bgcolor: "transparent",
        showlegend: false, hovermode: "closest",
        newshape: { line: { color: "#ffffff", width: 2 }, fillcolor: "rgba(0,0,0,.15)" },
      };
    }

    traces() {
      const { rows, columns, stride, planes } = this.values;
      const { top, left } = this.window;
      const z = Array.from({ length: rows }, (_, row) =>
        planes[0].subarray(row * columns, (row + 1) * columns));
      const marks = [this.reference, this.point].filter(Boolean);
      return [
        // Drawn by the images below it; this gives the library cells to point at.
        { type: "heatmap", z, x0: left + stride / 2, dx: stride, y0: top + stride / 2, dy: stride,
          opacity: 0, showscale: false, hoverinfo: "none" },
        { type: "scatter", mode: "markers", hoverinfo: "skip",
          x: marks.map((mark) => mark.column + 0.5), y: marks.map((mark) => mark.row + 0.5),
          marker: { size: 13, color: "#fff", line: { color: "#111", width: 2 },
            symbol: marks.map((mark) => (mark === this.point ? "x" : "square")) } },
      ];
    }

    async read() {
      const answer = await fetch(this.address("values"));
      if (!answer.ok) throw new Error(await answer.text());
      const buffer = await answer.arrayBuffer();
      const [rows, columns, stride] = new Int32Array(buffer, 0, 3);
      const size = rows * columns;
      const planes = [0, 1, 2, 3].map((at) => new Int16Array(buffer, 12 + at * size * 2, size));
      this.values = { rows, columns, stride, planes };
    }

    async draw() {
      try {
        const [Plotly] = await Promise.all([page.plotly(), this.read()]);
        if (!this.root.isConnected) return;
        this.Plotly = Plotly;
        const options = { scrollZoom: true, displayModeBar: false, responsive: true };
        await Plotly.newPlot(this.plot, this.traces(), this.layout(), options);
        this.plot.querySelector("svg.main-svg")?.setAttribute("aria-hidden", "true");
        this.listen();
        boxed();
        this.root.dataset.drawn = "1";
      } catch (error) {
        this.readout.textContent = `The picture cannot be drawn: ${error.message ?? error}`;
      }
    }

    listen() {
      this.plot.on("plotly_hover", ({ points }) => this.tell(points[0]));
      this.plot.on("plotly_click", ({ points }) => {
        const cell = points.find((each) => each.curveNumber === 0);
        if (cell) this.pick(Math.floor(cell.y), Math.floor(cell.x));
      });
      this.plot.on("plotly_relayout", (changed) => {
        if (changed.images) return;
        if (changed.shapes?.length > 1) this.Plotly.relayout(this.plot, { shapes: changed.shapes.slice(-1) });
        if (changed.shapes?.length === 1) this.boxes(false);
        boxed();
        clearTimeout(this.later);
        this.later = setTimeout(() => this.refine(), 250);
      });
      for (const name of ["under", "over"])
        this.control(name).addEventListener("change", () => this.redraw());
      this.control("opacity").addEventListener("input", (event) => {
        event.target.setAttribute("aria-valuetext", `${event.target.value} %`);
        this.redraw();
      });
      this.control("step")?.addEventListener("change", () => this.renew());
      this.control("box").addEventListener("click", () => this.boxes(!this.boxing));
      this.control("near").addEventListener("click", () => this.zoom(0.5));
      this.control("far").addEventListener("click", () => this.zoom(2));
      this.control("whole").addEventListener("click", () => this.show(0, 0, this.facts.height, this.facts.width));
      this.plot.addEventListener("keydown", (event) => this.key(event));
    }

    boxes(on) {
      this.boxing = on;
      this.control("box").setAttribute("aria-pressed", String(on));
      const coarse = matchMedia("(pointer: coarse)").matches;
      this.Plotly.relayout(this.plot, { dragmode: on ? "drawrect" : coarse ? false : "pan" });
    }

    redraw() {
      return this.Plotly?.relayout(this.plot, { images: this.images() });
    }

    async renew() {
      await this.read();
      await this.Plotly.react(this.plot, this.traces(), { ...this.plot.layout, images: this.images() });
    }

    // The part that is looked at, in full detail: of a large scene the first picture shows every nth pixel.
    async refine() {
      const { height, width } = this.facts;
      if (Math.max(height, width) <= FINE / 2 || !this.root.isConnected) return;
      const [x, y] = [this.plot.layout.xaxis.range, this.plot.layout.yaxis.range];
      const [left, right] = [Math.floor(Math.max(Math.min(...x), 0)), Math.ceil(Math.min(Math.max(...x), width))];
      const [top, bottom] = [Math.floor(Math.max(Math.min(...y), 0)), Math.ceil(Math.min(Math.max(...y), height))];
      if (left >= right || top >= bottom) return;
      this.window = { top, left, bottom, right };
      await this.renew();
    }

    show(top, left, bottom, right) {
      return this.Plotly.relayout(this.plot, { "xaxis.range": [left, right], "yaxis.range": [bottom, top] });
    }

    zoom(factor) {
      const [x, y] = [this.plot.layout.xaxis.range, this.plot.layout.yaxis.range];
      const around = ([low, high]) => [(low + high) / 2, ((high - low) / 2) * factor];
      const [[cx, rx], [cy, ry]] = [around(x), around(y)];
      return this.show(cy + ry, cx - rx, cy - ry, cx + rx);
    }

    tell(cell) {
      const { rows, columns, stride, planes } = this.values;
      const row = Math.floor((cell.y - this.window.top) / stride);
      const column = Math.floor((cell.x - this.window.left) / stride);
      if (row < 0 || column < 0 || row >= rows || column >= columns) return;
      const value = (plane, scale) => {
        const found = planes[plane][row * columns + column];
        return found === ABSENT ? null : found / scale;
      };
      const [phase, coherence, probability, height] =
        [value(0, 1000), value(1, 1000), value(2, 10000), value(3, 1)];
      const parts = [`row ${Math.floor(cell.y)}, column ${Math.floor(cell.x)}`];
      if (phase === null) parts.push("no data");
      else parts.push(`phase ${phase.toFixed(2)} rad, ${((phase / (2 * Math.PI)) * 2.77).toFixed(2)} cm`);
      if (coherence !== null) parts.push(`coherence ${coherence.toFixed(2)}`);
      if (probability !== null) parts.push(`probability ${probability.toFixed(3)}`);
      if (height !== null) parts.push(`${height} m high`);
      this.readout.textContent = parts.join(" · ");
    }

    key(event) {
      const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Enter" && this.point) return this.pick(this.point.row, this.point.column);
      if (!way) return;
      event.preventDefault();
      const pace = event.shiftKey ? 10 : 1;
      const { height, width } = this.facts;
      const { row, column } = this.point ?? { row: height >> 1, column: width >> 1 };
      const inside = (value, size) => Math.min(Math.max(value, 0), size - 1);
      this.point = { row: inside(row + way[0] * pace, height), column: inside(column + way[1] * pace, width) };
      this.mark();
      this.tell({ x: this.point.column + 0.5, y: this.point.row + 0.5 });
    }

    mark() {
      const marks = this.traces()[1];
      return this.Plotly.restyle(this.plot, { x: [marks.x], y: [marks.y], "marker.symbol": [marks.marker.symbol] }, [1]);
    }

    async pick(row, column) {
      const ask = { row, column };
      if (this.reference)
        Object.assign(ask, { reference_row: this.reference.row, reference_column: this.reference.column });
      const answer = await fetch(`view/${this.facts.token}/pixel?${new URLSearchParams(ask)}`);
      const place = this.root.querySelector(".pixel");
      if (!answer.ok) return (place.textContent = await answer.text());
      const found = await answer.json();
      this.point = { row, column };
      this.reference = found.reference;
      this.mark();
      page.pixel(this, place, found);
    }
  }

  // What judges a box is there once one is drawn.
  function boxed() {
    document.querySelector("#results")?.classList.toggle("boxed", page.box() !== "");
  }

  function look() {
    const found = document.querySelector("#picture .explorer");
    if ((found?.dataset.facts ?? null) !== shown) {
      shown = found?.dataset.facts ?? null;
      const before = current;
      current = null;
      boxed();
      if (shown) {
        // A fresh element: Gradio has filled the old one anew, listeners and drawings included.
        const root = found.cloneNode(true);
        found.replaceWith(root);
        current = new Explorer(root, before);
      }
    }
    const level = document.querySelector("#numbers [data-threshold]")?.dataset.threshold ?? null;
    if (current && level !== current.threshold) {
      current.threshold = level;
      current.redraw();
    }
  }
  page.watch.push(look);

  // The box that was drawn, as "TOP,LEFT,BOTTOM,RIGHT"; "" without one.
  page.box = () => {
    const shape = current?.plot.layout?.shapes?.at(-1);
    if (!shape) return "";
    const sides = [[shape.y0, shape.y1], [shape.x0, shape.x1]].map((pair) => pair.map(Number).sort((a, b) => a - b));
    const [[top, bottom], [left, right]] = sides;
    return [Math.floor(top), Math.floor(left), Math.ceil(bottom), Math.ceil(right)].join(",");
  };
  page.explorer = () => current;
})();
