// The networks and their runtime, loaded from the site when they are first needed. Nothing leaves the visitor's machine.
const scripts = {};

// A script of this site, once: `liveFiles[name]`, which it sets.
function loadFiles(folder, name) {
  scripts[name] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${folder}${name}.js`;
    script.onload = () => resolve(globalThis.liveFiles[name]);
    script.onerror = () => reject(new Error(`${name}.js could not be loaded`));
    document.head.append(script);
  });
  return scripts[name];
}

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

let runtime;

async function loadRuntime(folder) {
  const { module, wasm } = await loadFiles(folder, "runtime");
  const address = URL.createObjectURL(new Blob([await unpack(module)], { type: "text/javascript" }));
  const loaded = await import(address);
  loaded.env.wasm.wasmBinary = await unpack(wasm);
  loaded.env.wasm.numThreads = 1; // more need headers that a folder of files cannot send
  return loaded;
}

const sessions = {};

function loadNetwork(folder, name) {
  sessions[name] ??= (async () => {
    runtime ??= loadRuntime(folder);
    const [{ InferenceSession, Tensor }, { onnx }] = await Promise.all([runtime, loadFiles(folder, name)]);
    const session = await InferenceSession.create(await unpack(onnx));
    const run = (pixels) => session.run({ pixels: new Tensor("uint8", new Uint8Array(pixels), [1, 32, 32, 3]) });
    await run(new Uint8Array(32 * 32 * 3)); // the first run also prepares memory, which no time should include
    return { outputNames: session.outputNames, run };
  })();
  return sessions[name];
}

// Probabilities, the standard deviation of each layer's response, and the milliseconds that the run took.
async function runNetwork(folder, name, pixels) {
  const { outputNames, run } = await loadNetwork(folder, name);
  const begin = performance.now();
  const outputs = await run(pixels);
  const milliseconds = performance.now() - begin;
  const [first, ...responses] = outputNames.map((output) => outputs[output].data);
  return { probabilities: [...first], responses: responses.map(deviation), milliseconds };
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
