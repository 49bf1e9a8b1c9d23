// What scrolls sideways can be reached and scrolled by keyboard; what fits its frame is no stop on the way.
document.addEventListener("DOMContentLoaded", () => {
  const frames = document.querySelectorAll("article pre, article .table-wrapper, article .formula, article .math");
  const sizes = new ResizeObserver((changes) => changes.forEach(({ target }) => setStop(target)));
  for (const frame of frames) {
    sizes.observe(frame);
    setStop(frame);
  }
});

function setStop(frame) {
  if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
  else frame.removeAttribute("tabindex");
}
