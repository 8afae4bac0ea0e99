// Draws the charts over time with uPlot, in place of the pictures that the server made. Without it those stay.
'use strict';
(() => {
  const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faint = (colour) => `${colour}55`;

  // durations in their largest unit, in the reader's words: `units` are those of seconds, minutes, hours and days
  const took = (units) => (value) => {
    if (value == null) return '–';
    const sizes = [1, 60, 3600, 86400];
    let place = sizes.findLastIndex((size) => value >= size);
    if (place < 0) place = 0;
    const shown = value / sizes[place];
    return `${shown >= 10 ? Math.round(shown) : Math.round(shown * 10) / 10} ${units[place]}`;
  };
  const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800]
    .flatMap((one) => (one < 2 ? [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] : [one]));
  const count = (value) => (value == null ? '–' : String(value));

  // bars that stand on each other: drawn from the tallest to the lowest, each as high as all below it and itself
  function stacked(given) {
    const sums = [];
    given.series.reduce((below, one) => {
      const sum = one.values.map((value, at) => value + below[at]);
      sums.push(sum);
      return sum;
    }, given.names.map(() => 0));
    return sums.reverse();
  }

  function fills(given, colour) {
    const last = given.names.length - 1;
    const all = given.names.map((_, at) => (given.open && at === last ? faint(colour) : colour));
    return { fill: { unit: 3, values: () => all }, stroke: { unit: 3, values: () => given.names.map(() => colour) } };
  }

  function options(given, wide) {
    const bars = given.kind === 'bars';
    const say = given.units ? took(given.units) : count;
    const ink = read('--dim');
    const line = { stroke: ink, grid: { stroke: read('--line'), width: 1 }, ticks: { stroke: read('--line'), width: 1 } };
    const order = bars ? [...given.series].reverse() : given.series;
    return {
      width: wide,
      height: 200,
      legend: { live: true },
      // what the last one was stands there until another is pointed at
      hooks: { ready: [(plot) => setTimeout(() => plot.setLegend({ idx: given.names.length - 1 }))] },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: {
        x: { time: false, range: () => [-0.5, Math.max(0.5, given.names.length - 0.5)] },
        y: { range: (_u, _low, high) => [0, high > 0 ? high * 1.05 : 1] },
      },
      axes: [
        { ...line, space: 90, incrs: [1, 2, 5, 10, 20, 50, 100], values: (_u, at) => at.map((one) => given.names[one] ?? '') },
        { ...line, size: 64, incrs: given.units ? SPANS : undefined, values: (_u, at) => at.map((one) => (given.units || Number.isInteger(one) ? say(one) : '')) },
      ],
      bands: given.band ? [{ series: [2, 1], fill: faint(read(`--${order[1].kind}`)) }] : [],
      series: [
        { label: given.over, value: (_u, at) => (at == null ? '–' : given.names[Math.round(at)] ?? '–') },
        ...order.map((one) => {
          const colour = read(`--${one.kind}`);
          return {
            label: one.label,
            stroke: colour,
            width: bars ? 0 : 2,
            dash: one.dash,
            fill: bars ? colour : undefined,
            points: { show: !bars && given.names.length < 40, size: given.names.length < 3 ? 9 : 5, fill: colour },
            spanGaps: false,
            paths: bars ? uPlot.paths.bars({ size: [0.8, 60], disp: fills(given, colour) }) : undefined,
            value: (_u, _value, _series, at) => (at == null ? '–' : say(one.values[at])),
          };
        }),
      ],
    };
  }

  const drawn = [];
  function draw(box) {
    const given = JSON.parse(box.dataset.plot);
    if (!given.names.length) return;
    const x = given.names.map((_, at) => at);
    const values = given.kind === 'bars' ? stacked(given) : given.series.map((one) => one.values);
    const made = { box, plot: null };
    made.build = () => {
      if (made.plot) made.plot.destroy();
      made.plot = new uPlot(options(given, box.clientWidth), [x, ...values], box);
    };
    made.build();
    box.classList.add('drawn');
    drawn.push(made);
  }

  document.querySelectorAll('[data-plot]').forEach(draw);
  const watch = new ResizeObserver((seen) => {
    for (const { target } of seen) {
      const made = drawn.find((one) => one.box === target);
      if (made.plot.width !== target.clientWidth) made.plot.setSize({ width: target.clientWidth, height: 200 });
    }
  });
  drawn.forEach(({ box }) => watch.observe(box));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.forEach((one) => one.build()));
})();
