// Trends as charts: values over time with the normal band behind them. The table beside each chart says the same.

import { send } from "./lock.js";

const box = document.getElementById("trends");
const INK = ["#0b3d86", "#7a3d00"];
const MARKS = ["circle", "rect"];
const STEPS = [1, 2, 5, 10];

/** A step that people count in, about a sixth of the range. */
function stepOf(range) {
  const power = 10 ** Math.floor(Math.log10(range / 6));
  return power * STEPS.find((step) => step * power >= range / 6);
}

function tip(lines) {
  const box = document.createElement("div");
  box.className = "tip";
  box.textContent = lines.join("\n");
  return box;
}

function option(trend, words) {
  const values = trend.lines.flatMap((line) => line.points.map(([, value]) => value));
  const lowest = Math.min(...values, ...trend.lines.map((line) => line.lower ?? Infinity));
  const highest = Math.max(...values, ...trend.lines.map((line) => line.upper ?? -Infinity));
  // A small change is not to look like a big one.
  const step = stepOf(Math.max(highest - lowest, Math.abs(highest) * 0.05, 0.1));
  const bottom = (Math.ceil(lowest / step) - 1) * step;
  const top = (Math.floor(highest / step) + 1) * step;
  const several = trend.lines.length > 1;
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 16, color: "#1b2530" },
    grid: { left: 56, right: 24, top: several ? 40 : 16, bottom: 40 },
    legend: several ? { top: 0, textStyle: { fontSize: 16, color: "#1b2530" } } : undefined,
    // An element of our own: markup with styles in it is refused by the pages' policy.
    tooltip: {
      trigger: "axis",
      confine: true,
      formatter: (shown) =>
        tip([
          shown[0].value[0].replace("T", " "),
          ...shown.map(({ seriesName, value }) => `${seriesName} ${value[1]} ${trend.unit}`),
          shown[0].value[2] || words.typed,
        ]),
    },
    xAxis: { type: "time", axisLabel: { fontSize: 15, color: "#46525e", hideOverlap: true }, boundaryGap: ["3%", "3%"] },
    yAxis: { type: "value", min: bottom, max: top, interval: step, axisLabel: { fontSize: 15, color: "#46525e" } },
    series: trend.lines.map((line, index) => ({
      name: line.name,
      type: "line",
      symbol: MARKS[index % MARKS.length],
      symbolSize: 10,
      lineStyle: { width: 2, type: index ? "dashed" : "solid" },
      color: INK[index % INK.length],
      data: line.points,
      markArea:
        line.lower === null && line.upper === null
          ? undefined
          : {
              silent: true,
              itemStyle: { color: INK[index % INK.length], opacity: 0.1 },
              label: {
                position: index ? "insideBottomLeft" : several ? "insideLeft" : "insideTopLeft",
                color: "#46525e",
                fontSize: 14,
                opacity: 1,
              },
              data: [
                [
                  { name: several ? `${line.name} ${words.normal}` : words.normal, yAxis: line.lower ?? bottom },
                  { yAxis: line.upper ?? top },
                ],
              ],
            },
    })),
  };
}

if (box) {
  const answer = await send(box.dataset.source);
  if (answer.ok) {
    const charts = (await answer.json()).map((trend, index) => {
      const chart = echarts.init(document.getElementById(`chart-${index}`), null, { renderer: "canvas" });
      chart.setOption(option(trend, box.dataset));
      return chart;
    });
    box.dataset.drawn = String(charts.length);
    window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  } else {
    box.dataset.drawn = "0";
    document.getElementById("trends-trouble").hidden = false;
  }
}
