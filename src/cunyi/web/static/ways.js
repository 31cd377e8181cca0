// On a phone the ways to the other pages stand in one row: the one that is open is in sight, and it is seen that there are more.
const ways = document.querySelector("nav.ways");
if (ways) {
  const tell = () => {
    ways.dataset.more = String(ways.scrollLeft + ways.clientWidth < ways.scrollWidth - 4);
  };
  const here = ways.querySelector("[aria-current=page]");
  if (here) {
    const from = here.getBoundingClientRect().left - ways.getBoundingClientRect().left;
    ways.scrollLeft += from - (ways.clientWidth - here.offsetWidth) / 2;
  }
  ways.addEventListener("scroll", tell, { passive: true });
  window.addEventListener("resize", tell);
  tell();
}
