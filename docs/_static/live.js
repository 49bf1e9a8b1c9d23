// "Plain against residual in your browser": a picture goes through each network, whose panel shows what comes out.
document.addEventListener("DOMContentLoaded", () => {
  const live = document.getElementById("live");
  const input = live.querySelector("input[type=file]");
  const drop = live.querySelector(".live-drop");
  const samples = [...live.querySelectorAll(".live-sample")];
  const choose = (blob, pressed) => {
    for (const sample of samples) sample.setAttribute("aria-pressed", sample === pressed);
    show(live, blob);
  };
  for (const sample of samples) {
    sample.setAttribute("aria-pressed", "false");
    sample.addEventListener("click", () => choose(blobOf(sample.querySelector("img").src), sample));
  }
  input.addEventListener("change", () => input.files.length && choose(input.files[0]));
  for (const [event, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(event, (moved) => {
      moved.preventDefault();
      drop.classList.toggle("over", over);
    });
  }
  drop.addEventListener("drop", ({ dataTransfer }) => dataTransfer.files.length && choose(dataTransfer.files[0]));
});

function blobOf(dataAddress) {
  const bytes = Uint8Array.from(atob(dataAddress.split(",")[1]), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}

let latest = 0;

// Only the latest choice is shown, however long an earlier one takes.
async function show(live, blob) {
  const choice = ++latest;
  const say = (words) => { live.querySelector(".live-state").textContent = words; };
  delete live.dataset.done;
  let pixels;
  try {
    pixels = await readPicture(blob);
  } catch {
    say("This file is not a picture that the browser can read. Choose a PNG, JPEG, WebP or GIF file.");
    return;
  }
  if (choice !== latest) return;
  drawSeen(live, pixels);
  say("Loading the networks, about 12 MB the first time ...");
  const curves = [];
  try {
    for (const panel of live.querySelectorAll(".live-network")) {
      const network = JSON.parse(panel.dataset.network);
      const found = await runNetwork(live.dataset.files, network.name, pixels);
      if (choice !== latest) return;
      fillPanel(panel, network, found);
      curves.push({ ...network, responses: found.responses });
    }
  } catch (error) {
    say(`The networks cannot run in this browser: ${error.message}`);
    return;
  }
  drawResponses(live.querySelector(".live-responses"), curves);
  say("Computed on your device; the picture was not sent anywhere.");
  live.dataset.done = choice;
}

function drawSeen(live, pixels) {
  const seen = live.querySelector(".live-seen");
  const rgba = Uint8ClampedArray.from({ length: 32 * 32 * 4 }, (_, at) =>
    at % 4 === 3 ? 255 : pixels[Math.floor(at / 4) * 3 + (at % 4)]);
  seen.querySelector("canvas").getContext("2d").putImageData(new ImageData(rgba, 32, 32), 0, 0);
  seen.hidden = false;
}

function fillPanel(panel, { classes, color }, { probabilities, responses, milliseconds }) {
  const best = probabilities.map((share, at) => [share, classes[at]]).sort((a, b) => b[0] - a[0]).slice(0, 5);
  const rows = best.map(([share, name]) => {
    const row = document.createElement("li");
    row.style.setProperty("--share", `${100 * share}%`);
    row.style.setProperty("--colour", color);
    row.append(...[name, `${(100 * share).toFixed(1)} %`].map((words) => {
      const cell = document.createElement("span");
      cell.textContent = words;
      return cell;
    }));
    return row;
  });
  panel.querySelector(".live-classes").replaceChildren(...rows);
  panel.querySelector(".live-time").textContent = `${milliseconds.toFixed(1)} ms for this picture`;
  panel.dataset.found = JSON.stringify({ probabilities, responses });
}

// Lines over the layers, each with the colour of its family; of two of one family the second is dashed.
function drawResponses(figure, curves) {
  figure.hidden = false;
  const picture = figure.querySelector("svg");
  const [width, height, left, right, top, bottom] = [picture.clientWidth, 240, 32, 84, 14, 38];
  const highest = Math.max(...curves.flatMap(({ responses }) => responses));
  const longest = Math.max(...curves.map(({ responses }) => responses.length));
  const x = (layer) => left + ((width - left - right) * layer) / (longest - 1);
  const y = (value) => height - bottom - ((height - top - bottom) * value) / highest;
  const parts = [0, 0.5, 1].map((share) => share * highest).map((value) =>
    `<path class="grid" d="M${left} ${y(value)} H${width - right}"/>` +
    `<text x="${left - 6}" y="${y(value) + 5}" text-anchor="end">${value.toFixed(1)}</text>`);
  parts.push(`<text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle">layer, of ${longest}</text>`);
  const ends = spread(curves.map(({ responses }) => y(responses.at(-1))));
  const drawn = new Set();
  curves.forEach(({ name, color, responses }, at) => {
    const points = responses.map((value, layer) => `${x(layer).toFixed(1)} ${y(value).toFixed(1)}`).join(" L");
    const dashes = drawn.has(color) ? ' stroke-dasharray="5 3"' : "";
    drawn.add(color);
    parts.push(`<path d="M${points}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>` +
      `<text x="${x(responses.length - 1) + 6}" y="${ends[at] + 5}">${name}</text>`);
  });
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("aria-label", curves.map(({ name, responses }) => `${name}: ` +
    `${responses[0].toFixed(2)} in the first layer, ${responses.at(-1).toFixed(2)} in the last`).join("; "));
  picture.innerHTML = parts.join("");
}

// The heights of labels, moved down where one would stand on another.
function spread(heights, gap = 16) {
  const moved = [...heights];
  const order = heights.map((_, at) => at).sort((a, b) => heights[a] - heights[b]);
  order.forEach((label, place) => {
    if (place) moved[label] = Math.max(moved[label], moved[order[place - 1]] + gap);
  });
  return moved;
}
