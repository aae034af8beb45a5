import { writeFileSync } from 'node:fs';

writeFileSync('collect.txt', 'a chain is made of steps\nand a step of runs\n');
