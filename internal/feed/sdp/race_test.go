//go:build race

package sdp

const raced = true // everything takes several times as long
