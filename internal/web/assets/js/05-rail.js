// On a phone the rail is a strip that scrolls: where the reader is, is in sight.
(() => {
  const nav = document.querySelector(".rail nav"), here = nav?.querySelector("[aria-current]");
  if (here && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
})();
