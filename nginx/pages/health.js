// Whether each service answers, again every ten seconds.
async function look() {
  for (const place of document.querySelectorAll("[data-health]")) {
    let well = false;
    try {
      well = (await fetch(place.dataset.health, { cache: "no-store" })).ok;
    } catch {
      // no answer at all
    }
    place.textContent = well ? "● 정상 / up" : "○ 응답 없음 / down";
    place.className = well ? "well" : "ill";
  }
}
look();
setInterval(look, 10000);
