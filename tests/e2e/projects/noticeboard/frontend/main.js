const answer = await fetch('/api/notice')
document.querySelector('#notice').textContent = (await answer.json()).text
