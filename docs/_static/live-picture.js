// A picture as `resnetzoo predict` prepares it: upright, on white, its shorter side resized to 32, the middle cropped.
const SIDE = 32;
const LARGEST = 1024; // pixels of the shorter side that are read; the browser makes a larger picture smaller first

// Blob -> Uint8ClampedArray of 32 rows of 32 places, each red, green, blue.
async function readPicture(blob) {
  const { pixels, width, height } = await decode(blob);
  const shorter = Math.min(width, height);
  const [columns, rows] = [width, height].map((length) => Math.floor((SIDE * length) / shorter));
  const narrow = resizeAcross(pixels, height, width, columns);
  const small = transpose(resizeAcross(transpose(narrow, height, columns), columns, height, rows), columns, rows);
  const [left, top] = [columns, rows].map((length) => roundEven((length - SIDE) / 2));
  const lines = Array.from({ length: SIDE }, (_, row) => ((top + row) * columns + left) * 3);
  return Uint8ClampedArray.from(lines.flatMap((begin) => [...small.subarray(begin, begin + SIDE * 3)]));
}

async function decode(blob) {
  const bitmap = await createImageBitmap(blob); // upright by its EXIF data
  const scale = Math.min(1, LARGEST / Math.min(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((length) => Math.round(length * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return { pixels: context.getImageData(0, 0, width, height).data.filter((_, at) => at % 4 !== 3), width, height };
}

// Resizes rows of `width` places to `target`: bicubic, with a filter that widens as they become shorter (antialiasing).
function resizeAcross(pixels, rows, width, target) {
  const resized = new Uint8ClampedArray(rows * target * 3);
  const scale = width / target;
  const stretch = Math.max(scale, 1);
  for (let to = 0; to < target; to++) {
    const centre = (to + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - 2 * stretch + 0.5));
    const last = Math.min(width, Math.floor(centre + 2 * stretch + 0.5));
    const weights = Array.from({ length: last - first }, (_, at) => cubic((first + at + 0.5 - centre) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let row = 0; row < rows; row++) {
      for (let channel = 0; channel < 3; channel++) {
        const begin = (row * width + first) * 3 + channel;
        const sum = weights.reduce((found, weight, at) => found + weight * pixels[begin + at * 3], 0);
        resized[(row * target + to) * 3 + channel] = sum / total; // rounded and kept within 0 and 255
      }
    }
  }
  return resized;
}

// Keys' cubic with a = -0.5, which PIL and torchvision use too.
function cubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function transpose(pixels, rows, columns) {
  const turned = new Uint8ClampedArray(pixels.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let channel = 0; channel < 3; channel++) {
        turned[(column * rows + row) * 3 + channel] = pixels[(row * columns + column) * 3 + channel];
      }
    }
  }
  return turned;
}

// As Python rounds: halves to the even number.
function roundEven(value) {
  return value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}
