// Decides by Cedar. Reads lines of JSON, each a set of policies with requests, and answers each with a line: for each request "allow" or
// "deny", or what was wrong.
const readline = require('node:readline');
const cedar = require('@cedar-policy/cedar-wasm/nodejs');

function decide(set, request) {
  const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: set });
  if (answer.type !== 'success') return JSON.stringify(answer.errors);
  const { decision, diagnostics } = answer.response;
  return diagnostics.errors.length > 0 ? JSON.stringify(diagnostics.errors) : decision;
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  const { policies, requests } = JSON.parse(line);
  const parsed = cedar.preparsePolicySet('set', { staticPolicies: policies, templates: {}, templateLinks: [] });
  const answers = parsed.type === 'success' ? requests.map(request => decide('set', request)) : [JSON.stringify(parsed.errors)];
  process.stdout.write(JSON.stringify(answers) + '\n');
});
