// Stands in for whoever writes: an agent, or a template with this year's prices.
console.log(`Dear reader,

from January a seat costs 12 dollars a month. Whoever has paid for a year pays what he has paid.

Ask Grace (grace@example.org) about it.`);
