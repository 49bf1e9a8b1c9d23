// Press a header to sort its column, type to filter the rows. Numbers sort as numbers; "-" comes last.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.figures")) {
    const body = table.tBodies[0];
    if (!body || !table.tHead) continue;
    addSearch(table, body);
    [...table.tHead.rows[0].cells].forEach((header, column) => addButton(table, body, header, column));
  }
});

function addButton(table, body, header, column) {
  if (!header.textContent.trim()) return;
  const button = document.createElement("button");
  button.type = "button";
  button.append(...(header.querySelector("p") ?? header).childNodes);
  header.replaceChildren(button);
  button.addEventListener("click", () => sortBy(table, body, header, column));
}

function sortBy(table, body, header, column) {
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const sign = falling ? -1 : 1;
  const rows = [...body.rows].map((row) => [keyOf(row.cells[column].textContent.trim()), row]);
  rows.sort(([one], [two]) => {
    if (one === null || two === null) return (one === null) - (two === null);
    if (typeof one === "number" && typeof two === "number") return sign * (one - two);
    return sign * String(one).localeCompare(String(two), undefined, { numeric: true });
  });
  body.append(...rows.map(([, row]) => row));
}

function keyOf(text) {
  if (text === "-" || text === "") return null;
  const number = Number(text.replace(/,/g, "").split(" ")[0]);
  return Number.isNaN(number) ? text : number;
}

function addSearch(table, body) {
  if (body.rows.length < 8) return;
  const box = document.createElement("input");
  box.type = "search";
  box.className = "table-search";
  box.placeholder = "filter the rows";
  box.setAttribute("aria-label", "filter the rows");
  box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  const frame = table.closest(".table-wrapper") ?? table;
  frame.before(box);
}
