// Trends as charts: values over time with the normal band behind them. The table beside each chart says the same.

const box = document.getElementById("trends");
const INK = ["#0b3d86", "#7a3d00", "#14532d"];
const MARKS = ["circle", "rect", "triangle"];

function option(trend, normal) {
  const dates = trend.lines.flatMap((line) => line.points.map(([at]) => at));
  const values = trend.lines.flatMap((line) => line.points.map(([, value]) => value));
  const lowest = Math.min(...values, ...trend.lines.map((line) => line.lower ?? Infinity));
  const highest = Math.max(...values, ...trend.lines.map((line) => line.upper ?? -Infinity));
  const room = (highest - lowest || 1) * 0.15;
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 15, color: "#1b2530" },
    grid: { left: 56, right: 16, top: trend.lines.length > 1 ? 36 : 16, bottom: 36 },
    legend: trend.lines.length > 1 ? { top: 0, textStyle: { fontSize: 15 } } : undefined,
    xAxis: { type: "time", min: dates.reduce((a, b) => (a < b ? a : b)), max: dates.reduce((a, b) => (a > b ? a : b)) },
    yAxis: { type: "value", min: Math.floor(lowest - room), max: Math.ceil(highest + room) },
    series: trend.lines.map((line, index) => ({
      name: line.name,
      type: "line",
      symbol: MARKS[index % MARKS.length],
      symbolSize: 9,
      lineStyle: { width: 2, type: index ? "dashed" : "solid" },
      color: INK[index % INK.length],
      data: line.points.map(([at, value]) => [at, value]),
      markArea:
        line.lower === null && line.upper === null
          ? undefined
          : {
              silent: true,
              itemStyle: { color: INK[index % INK.length], opacity: 0.09 },
              label: { show: index === 0, position: "insideTopLeft", color: "#46525e", fontSize: 13 },
              data: [[{ name: normal, yAxis: line.lower ?? lowest - room }, { yAxis: line.upper ?? highest + room }]],
            },
    })),
  };
}

if (box) {
  const answer = await fetch(box.dataset.source, { headers: { "X-Requested-With": "cunyi" } });
  if (answer.ok) {
    const charts = (await answer.json()).map((trend, index) => {
      const chart = echarts.init(document.getElementById(`chart-${index}`), null, { renderer: "canvas" });
      chart.setOption(option(trend, box.dataset.normal));
      return chart;
    });
    box.dataset.drawn = String(charts.length);
    window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  }
}
