# Verifies a Postrider webhook with Ruby's own libraries.
#
#   ruby verify.rb <scheme> <secret> <header-value> [id timestamp] < body
#
# Exit status: 0 genuine, 1 not genuine, 2 wrong usage.
# In every method body is the bytes as received: request.raw_post in Rails,
# request.body.read in Rack and Sinatra.
require "openssl"

TOLERANCE_SECONDS = 5 * 60

# signature: the value of X-Sequr-Signature.
def verify_sequr(secret, signature, body)
  same?(signature, "sha1=" + OpenSSL::HMAC.hexdigest("SHA1", secret, body))
end

# signature: the value of X-GenLogs-Signature, with or without sha512=.
def verify_genlogs(secret, signature, body)
  same?(signature.delete_prefix("sha512="), OpenSSL::HMAC.hexdigest("SHA512", secret, body))
end

# signatures: the value of webhook-signature, which may hold several;
# id and timestamp: the values of webhook-id and webhook-timestamp.
def verify_standard(secret, signatures, id, timestamp, body)
  return false unless timestamp.match?(/\A[0-9]{1,12}\z/)
  return false if (Time.now.to_f - timestamp.to_i).abs > TOLERANCE_SECONDS

  key = secret.start_with?("whsec_") ? secret.delete_prefix("whsec_").unpack1("m0") : secret
  digest = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.".b + body.b)
  want = "v1," + [digest].pack("m0")
  signatures.split(" ").any? { |signature| same?(signature, want) }
rescue ArgumentError # what follows whsec_ is not base64
  false
end

def same?(a, b)
  a.bytesize == b.bytesize && OpenSSL.fixed_length_secure_compare(a, b)
end

def main(args)
  verify, count = {
    "sequr" => [:verify_sequr, 2],
    "genlogs" => [:verify_genlogs, 2],
    "standard" => [:verify_standard, 4]
  }[args.first]
  if verify.nil? || args.length - 1 != count
    warn "usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body"
    return 2
  end
  genuine = send(verify, *args.drop(1), $stdin.binmode.read)
  puts(genuine ? "genuine" : "not genuine")
  genuine ? 0 : 1
end

exit main(ARGV) if $PROGRAM_NAME == __FILE__
