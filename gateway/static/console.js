// Everything works without this: it only saves clicks.
"use strict";
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-ticks]");
  if (all) {
    for (const box of document.getElementsByName(all.dataset.ticks)) box.checked = all.checked;
  }
});
document.addEventListener("submit", (event) => {
  // A second press of the button sends nothing twice; the server would refuse it as well.
  const button = event.submitter;
  if (button && !event.defaultPrevented) setTimeout(() => { button.disabled = true; }, 0);
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.title = at.toLocaleString();
}
const again = document.querySelector("[data-refresh-seconds]");
if (again) setTimeout(() => location.reload(), Number(again.dataset.refreshSeconds) * 1000);
