// What is done when the page is there.
document.querySelectorAll("main table[id]").forEach((table) => { if (table.querySelector("th.number")) sortable(table); });
document.querySelectorAll("section.graph").forEach(viewer);
