import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verifies a Postrider webhook with the JDK alone (17 or later).
 *
 * <pre>java Verify.java &lt;scheme&gt; &lt;secret&gt; &lt;header-value&gt; [id timestamp] &lt; body</pre>
 *
 * Exit status: 0 genuine, 1 not genuine, 2 wrong usage. In every method body
 * is the bytes as received: request.getInputStream().readAllBytes() in a
 * servlet, {@code @RequestBody byte[]} in Spring.
 */
public final class Verify {
    private static final long TOLERANCE_SECONDS = 5 * 60;

    /** signature: the value of X-Sequr-Signature. */
    static boolean sequr(String secret, String signature, byte[] body) throws GeneralSecurityException {
        return equal(signature, "sha1=" + hex(mac("HmacSHA1", utf8(secret), body)));
    }

    /** signature: the value of X-GenLogs-Signature, with or without sha512=. */
    static boolean genlogs(String secret, String signature, byte[] body) throws GeneralSecurityException {
        String bare = signature.startsWith("sha512=") ? signature.substring("sha512=".length()) : signature;
        return equal(bare, hex(mac("HmacSHA512", utf8(secret), body)));
    }

    /**
     * signatures: the value of webhook-signature, which may hold several; id and
     * timestamp: the values of webhook-id and webhook-timestamp.
     */
    static boolean standard(String secret, String signatures, String id, String timestamp, byte[] body)
            throws GeneralSecurityException {
        if (!timestamp.matches("[0-9]{1,12}")) {
            return false;
        }
        long now = System.currentTimeMillis() / 1000;
        if (Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE_SECONDS) {
            return false;
        }
        byte[] key;
        try {
            key = secret.startsWith("whsec_")
                    ? Base64.getDecoder().decode(secret.substring("whsec_".length()))
                    : utf8(secret);
        } catch (IllegalArgumentException notBase64) {
            return false;
        }
        byte[] sum = mac("HmacSHA256", key, utf8(id + "." + timestamp + "."), body);
        String want = "v1," + Base64.getEncoder().encodeToString(sum);
        for (String signature : signatures.split(" ")) {
            if (equal(signature, want)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] mac(String algorithm, byte[] key, byte[]... parts) throws GeneralSecurityException {
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(key, algorithm));
        for (byte[] part : parts) {
            mac.update(part);
        }
        return mac.doFinal();
    }

    private static boolean equal(String a, String b) {
        return MessageDigest.isEqual(utf8(a), utf8(b));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static byte[] utf8(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    public static void main(String[] args) throws IOException, GeneralSecurityException {
        byte[] body = System.in.readAllBytes();
        boolean genuine;
        if (args.length == 3 && args[0].equals("sequr")) {
            genuine = sequr(args[1], args[2], body);
        } else if (args.length == 3 && args[0].equals("genlogs")) {
            genuine = genlogs(args[1], args[2], body);
        } else if (args.length == 5 && args[0].equals("standard")) {
            genuine = standard(args[1], args[2], args[3], args[4], body);
        } else {
            System.err.println("usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body");
            System.exit(2);
            return;
        }
        System.out.println(genuine ? "genuine" : "not genuine");
        System.exit(genuine ? 0 : 1);
    }
}
