import type { Scheme } from '../verify';

/** samples are receivers' checks in the languages they are mostly written in, for one webhook's header. */
export function samples(s: Scheme): [string, string][] {
	const std = s.scheme === 'standard';
	const { header = '', algorithm = 'sha256', encoding = 'hex', prefix = '' } = s;
	const lower = header.toLowerCase();
	const signed = (id: string, at: string, body: string, join: string) => (std ? [id, "'.'", at, "'.'", body].join(join) : body);
	return [
		['Node', `import { createHmac, timingSafeEqual } from 'node:crypto';

// body is the request's bytes, before any JSON parser
export function verify(secret, headers, body) {
  const key = ${std ? "Buffer.from(secret.replace(/^whsec_/, ''), 'base64')" : 'secret'};
  const mac = createHmac('${algorithm}', key)${std ? "\n    .update(headers['webhook-id'] + '.' + headers['webhook-timestamp'] + '.')" : ''}.update(body).digest('${encoding}');
  return headers['${lower}'].split(' ').some((given) => {
    const want = Buffer.from('${prefix}' + mac), got = Buffer.from(given);
    return want.length === got.length && timingSafeEqual(want, got);
  });
}`],
		['Python', `import base64, hashlib, hmac

def verify(secret: str, headers, body: bytes) -> bool:
    key = ${std ? "base64.b64decode(secret.removeprefix('whsec_'))" : 'secret.encode()'}
    signed = ${std ? "f\"{headers['webhook-id']}.{headers['webhook-timestamp']}.\".encode() + body" : 'body'}
    mac = hmac.new(key, signed, hashlib.${algorithm})
    want = '${prefix}' + ${encoding === 'base64' ? 'base64.b64encode(mac.digest()).decode()' : 'mac.hexdigest()'}
    return any(hmac.compare_digest(want, given) for given in headers['${lower}'].split())`],
		['Go', `// go get github.com/postrider/postrider/transport/signature, or:
func verify(secret string, h http.Header, body []byte) bool {
	key${std ? ', _' : ''} := ${std ? 'base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))' : '[]byte(secret)'}
	mac := hmac.New(${algorithm}.New, key)
	${std ? 'fmt.Fprintf(mac, "%s.%s.", h.Get("webhook-id"), h.Get("webhook-timestamp"))\n\t' : ''}mac.Write(body)
	want := "${prefix}" + ${encoding === 'base64' ? 'base64.StdEncoding.EncodeToString' : 'hex.EncodeToString'}(mac.Sum(nil))
	for _, given := range strings.Fields(h.Get("${header}")) {
		if hmac.Equal([]byte(want), []byte(given)) {
			return true
		}
	}
	return false
}`],
		['PHP', `function verify(string $secret, array $headers, string $body): bool {
    $key = ${std ? "base64_decode(preg_replace('/^whsec_/', '', $secret))" : '$secret'};
    $signed = ${signed("$headers['webhook-id']", "$headers['webhook-timestamp']", '$body', ' . ')};
    $want = '${prefix}' . ${encoding === 'base64' ? `base64_encode(hash_hmac('${algorithm}', $signed, $key, true))` : `hash_hmac('${algorithm}', $signed, $key)`};
    foreach (explode(' ', $headers['${lower}']) as $given)
        if (hash_equals($want, $given)) return true;
    return false;
}`],
		['Ruby', `require 'openssl'

def verify(secret, headers, body)
  key = ${std ? "secret.delete_prefix('whsec_').unpack1('m')" : 'secret'}
  signed = ${std ? '"#{headers[\'webhook-id\']}.#{headers[\'webhook-timestamp\']}." + body' : 'body'}
  mac = OpenSSL::HMAC.${encoding === 'base64' ? 'digest' : 'hexdigest'}('${algorithm}', key, signed)
  want = '${prefix}' + ${encoding === 'base64' ? "[mac].pack('m0')" : 'mac'}
  headers['${lower}'].split.any? { |given| given.bytesize == want.bytesize && OpenSSL.fixed_length_secure_compare(given, want) }
end`],
		['Shell', `postrider verify --secret "$SECRET" ${std ? `--header "webhook-id=$ID" --header "webhook-timestamp=$AT" ` : ''}--header "${header}=$SIGNATURE" body.json`],
	];
}
