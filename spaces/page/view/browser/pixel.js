// What a click on the picture shows: every date of a pixel, as a plot and as a table.
(() => {
  const page = window.hephaestus;
  const say = (value, digits, unit = "") => (value === null ? "–" : value.toFixed(digits) + unit);

  // Fill the place below the picture; `explorer` has the point and the reference point.
  page.pixel = (explorer, place, found) => {
    const where = found.longitude === null ? "" : `, ${found.latitude}° N ${found.longitude}° E`;
    const still = `row ${found.reference.row}, column ${found.reference.column}`;
    const dated = found.steps.some((step) => step.probability !== null);
    const lines = found.steps.map((step, at) => `<tr><th scope="row">${step.date ?? at + 1}</th>
      <td>${say(step.phase_rad, 2)}</td><td>${say(step.motion_cm, 2)}</td>
      <td>${say(step.relative_cm, 2)}</td><td>${say(step.coherence, 2)}</td>
      ${dated ? `<td>${say(step.probability, 3)}</td>` : ""}</tr>`).join("");
    place.innerHTML = `<h3>Row ${found.row}, column ${found.column}${where}</h3>
      <p>Probability ${say(found.probability, 3)}${found.probability_of}; elevation
      ${say(found.elevation_m, 0, " m")}. Relative
      to the square at ${still}; whole fringes of 2.77 cm are not told by a wrapped phase.</p>
      <div class="dates" role="img" aria-label="Motion of the pixel by date; the table says the same"></div>
      <div class="wide" tabindex="0" role="region" aria-label="Dates of the pixel"><table><thead><tr><th scope="col">Date</th><th scope="col">Phase, rad</th>
      <th scope="col">cm along the line of sight</th><th scope="col">relative, cm</th>
      <th scope="col">Coherence</th>${dated ? '<th scope="col">Probability</th>' : ""}</tr></thead><tbody>${lines}</tbody></table></div>
      <button type="button" name="still">Make this the reference point</button>`;
    place.querySelector("[name=still]").addEventListener("click", () => {
      explorer.reference = { ...explorer.point };
      explorer.pick(explorer.point.row, explorer.point.column);
    });
    const chart = place.querySelector(".dates");
    if (found.steps.length < 2) return chart.remove();
    draw(explorer, chart, found.steps, dated);
  };

  function draw(explorer, chart, steps, dated) {
    const ink = getComputedStyle(explorer.root).color;
    const x = steps.map((step, at) => step.date ?? `step ${at + 1}`);
    const lines = [{ name: "motion, cm", type: "scatter", mode: "lines+markers", x,
      y: steps.map((step) => step.relative_cm), marker: { size: 9 }, line: { color: "#2c858c" } }];
    if (dated)
      lines.push({ name: "probability", type: "scatter", mode: "lines+markers", x, yaxis: "y2",
        y: steps.map((step) => step.probability), marker: { size: 9, symbol: "diamond" },
        line: { color: "#c2570c", dash: "dot" } });
    const layout = { height: 200, margin: { l: 48, r: dated ? 48 : 12, t: 22, b: 34 }, font: { color: ink },
      paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: dated,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom" },
      yaxis: { title: { text: "cm" }, zeroline: true, range: [-1.5, 1.5] },
      yaxis2: { title: { text: "probability" }, overlaying: "y", side: "right", range: [0, 1.02], showgrid: false } };
    explorer.Plotly.newPlot(chart, lines, layout, { displayModeBar: false, responsive: true });
  }
})();
