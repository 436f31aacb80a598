const now = document.getElementById("now");
const answer = await fetch("/weir/api/now");
now.textContent = JSON.stringify(await answer.json(), null, 2);
