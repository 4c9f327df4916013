package trace

import "github.com/postrider/postrider/transport/certificates"

func caThatIsNone() certificates.Client { return certificates.Client{CA: "/no/such/file"} }
