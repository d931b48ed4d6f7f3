// While a feed waits for the worker, look again once a second, for half a minute.
const look = async (left) => {
  if (left === 0 || !document.querySelector("[data-waiting]")) return;
  await new Promise((wake) => setTimeout(wake, 1000));
  try {
    const page = await (await fetch("/")).text();
    const fresh = new DOMParser().parseFromString(page, "text/html");
    for (const id of ["feed-list", "article-list"]) {
      document.getElementById(id)?.replaceWith(fresh.getElementById(id));
    }
  } catch {
    // The server restarts after an edit: ask again.
  }
  look(left - 1);
};
look(30);
