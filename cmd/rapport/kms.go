package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rapporthq/rapport/fault"
	"github.com/rapporthq/rapport/trust/vault"
	"github.com/rapporthq/rapport/trust/vault/transit"
)

// homeFlags are how every command is told of a home.
func homeFlags(flags *pflag.FlagSet, o *homeOptions) {
	flags.StringVar(&o.Home, "home", os.Getenv("RAPPORT_HOME"), "the home's folder (or RAPPORT_HOME)")
	flags.StringVar(&o.Database, "database", os.Getenv("RAPPORT_DATABASE"), "PostgreSQL URL (or RAPPORT_DATABASE); without it the home's own SQLite")
	keyServiceFlags(flags, o)
}

func keyServiceFlags(flags *pflag.FlagSet, o *homeOptions) {
	flags.StringVar(&o.KMS, "kms", os.Getenv("RAPPORT_KMS"), "the key service's key that seals the wrapping key, hcvault://host:8200/transit/keys/NAME (or RAPPORT_KMS)")
	flags.StringVar(&o.KMSToken, "kms-token-file", os.Getenv("RAPPORT_KMS_TOKEN_FILE"), "a file of the key service's token (or RAPPORT_KMS_TOKEN_FILE; without it VAULT_TOKEN)")
}

// keyService is the vault's option for the key service that these options name; none when they name none.
func (o homeOptions) keyService() ([]vault.Option, error) {
	a, err := o.serviceKey(o.KMS)
	if a == nil || err != nil {
		return nil, err
	}
	return []vault.Option{vault.KMS(a)}, nil
}

// serviceKey is the key of that address; nil for none. Another service is added by adding the library's client of it here.
func (o homeOptions) serviceKey(address string) (tink.AEAD, error) {
	if address == "" {
		return nil, nil
	}
	for _, client := range []registry.KMSClient{&transit.Client{Token: o.serviceToken}} {
		if client.Supported(address) {
			a, err := client.GetAEAD(address)
			if err != nil {
				return nil, usage{err}
			}
			return a, nil
		}
	}
	return nil, usage{errors.New("--kms names a key service that is not known; write hcvault://host:8200/transit/keys/NAME")}
}

// serviceToken reads the token anew each time, for it may be renewed.
func (o homeOptions) serviceToken() (string, error) {
	if o.KMSToken == "" {
		if token := os.Getenv("VAULT_TOKEN"); token != "" {
			return token, nil
		}
		return "", errors.New("there is no token for it: set VAULT_TOKEN, or name a file with --kms-token-file")
	}
	info, err := os.Stat(o.KMSToken)
	if err != nil {
		return "", errors.New("the file of its token cannot be read")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", errors.New("others than its owner can read the file of its token: run chmod 600 on it")
	}
	raw, err := os.ReadFile(o.KMSToken)
	if err != nil {
		return "", errors.New("the file of its token cannot be read")
	}
	return strings.TrimSpace(string(raw)), nil
}

func sealCommand(home *homeOptions) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "seal --home DIR --by hcvault://host:8200/transit/keys/NAME", Short: "Have the wrapping key sealed by a key service, or by none, and rotate it, for the one before lay otherwise",
		Long: "No process may have the home open meanwhile; afterwards every command and serve must be told of the service with --kms, or by RAPPORT_KMS. With --by none\n" +
			"the wrapping key is taken out of the service named with --kms, into a file for its owner only. Make a new backup afterwards.",
		Example: "  rapport keys seal --home ./shop --by hcvault://vault.internal:8200/transit/keys/shop\n  rapport keys seal --home ./shop --kms hcvault://vault.internal:8200/transit/keys/shop --by none", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if by == "" {
				return usage{errors.New("say by which key with --by hcvault://host:8200/transit/keys/NAME, or --by none")}
			}
			return seal(cmd.Context(), *home, by, terminal(cmd))
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "the key that seals it from now on, or none")
	return cmd
}

// seal moves the wrapping key. The home is opened here and not asked for through its socket: a process that serves it was told of another service.
func seal(ctx context.Context, o homeOptions, by string, say *speaker) error {
	if by == "none" {
		by = ""
	}
	a, err := o.serviceKey(by)
	if err != nil {
		return err
	}
	h, err := openHouse(ctx, o)
	if err != nil {
		return err
	}
	defer h.Close()
	release, err := h.alone()
	if err != nil {
		return err
	}
	err = h.vault.SealKeyset(a)
	release()
	if err != nil {
		return err
	}
	n, err := h.rotate(ctx, say)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "The wrapping key is sealed anew, but could not be rotated: run rapport keys rotate.", err)
	}
	where := "It lies in " + filepath.Join(h.dir, "keys", vault.WrappingFile) + ", for its owner only."
	if by != "" {
		where = "Every command needs --kms " + by + " from now on, or RAPPORT_KMS."
	}
	say.Printf("%d data keys are wrapped by a new key, and the old one is destroyed. %s Make a new backup.\n", n, where)
	return nil
}
