// Who may be written to, by kind.
const addresses = {
  customers: ['Ida, Harbour 1', 'Jon, Hill 2'],
  partners: ['Kim, Market 3'],
};
console.log(JSON.stringify(addresses, null, 2));
